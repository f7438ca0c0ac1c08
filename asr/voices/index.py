"""The closest of many voices: every one is compared, or a faiss index is asked."""

import numpy as np

from asr.errors import UserError

VOICES_AT_ONCE, QUERIES_AT_ONCE = 65_536, 256  # bound the memory to 64 MiB of scores


def closest(queries: np.ndarray, voices: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """(Q, E), (N, E) of length 1 -> cosines and indices (Q, K) of the K = min(top, N) closest, the closest first.

    Every voice is compared. Of equal ones the earlier is first.
    """
    top = min(top, len(voices))
    scores, indices = np.zeros((len(queries), top), np.float32), np.zeros((len(queries), top), np.int64)
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        rows = slice(start, start + QUERIES_AT_ONCE)
        scores[rows], indices[rows] = _closest_in_chunks(queries[rows], voices, top)
    return scores, indices


def _closest_in_chunks(queries: np.ndarray, voices: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    scores, indices = np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
    for start in range(0, len(voices), VOICES_AT_ONCE):
        found = queries @ voices[start : start + VOICES_AT_ONCE].T
        kept = _highest(found, top)
        scores = np.hstack([scores, np.take_along_axis(found, kept, 1)])
        indices = np.hstack([indices, kept + start])
        order = np.lexsort((indices, -scores))[:, :top]
        scores, indices = np.take_along_axis(scores, order, 1), np.take_along_axis(indices, order, 1)
    return scores, indices


def _highest(scores: np.ndarray, top: int) -> np.ndarray:
    """(Q, N) -> (Q, min(top, N)) indices of the highest, in any order; of equal ones the earlier are kept."""
    if top >= scores.shape[1]:
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    edge = -np.partition(-scores, top - 1, axis=1)[:, top - 1 : top]  # the lowest that is kept
    above, equal = scores > edge, scores == edge
    room = top - above.sum(axis=1, keepdims=True)
    kept = above | (equal & (np.cumsum(equal, axis=1) <= room))
    return np.nonzero(kept)[1].reshape(len(scores), top)


def closest_by_faiss(queries: np.ndarray, voices: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """`closest` by faiss's exact index of inner products; UserError where faiss is not installed."""
    try:
        import faiss
    except ImportError as error:
        raise UserError("--search faiss needs faiss: pip install 'asr-from-scratch[search]'") from error
    index = faiss.IndexFlatIP(voices.shape[1])
    index.add(np.ascontiguousarray(voices, dtype=np.float32))
    return index.search(np.ascontiguousarray(queries, dtype=np.float32), min(top, len(voices)))


SEARCHES = {"exact": closest, "faiss": closest_by_faiss}
