"""Embeddings in two dimensions, to look at: what is close together there was, as far as possible, close before."""

from typing import NamedTuple

import numpy as np

FEWEST, MOST = 50, 5000  # utterances of a t-SNE: fewer have too few neighbours, more take minutes
DIMENSIONS = 50  # that a t-SNE is given, as its authors do
LEAST_DEVIATION = 1e-6  # of a dimension that hardly differs


class Projection(NamedTuple):
    """method: PCA or t-SNE; points: (N, 2) from −1 to 1."""

    method: str
    points: np.ndarray


def project(embeddings: np.ndarray, seed: int) -> Projection | None:
    """(N, E) -> (N, 2) by t-SNE (van der Maaten & Hinton 2008), of few or very many by PCA; the same for one seed.

    Every dimension is scaled to a deviation of 1 first. None where there is nothing to see: fewer than three, numbers
    that are not finite, embeddings that are all alike.
    """
    vectors = np.asarray(embeddings, dtype=float)
    if len(vectors) < 3 or not np.isfinite(vectors).all():
        return None
    deviations = vectors.std(0)
    vectors = ((vectors - vectors.mean(0)) / np.maximum(deviations, LEAST_DEVIATION))[:, deviations > LEAST_DEVIATION]
    if not vectors.size:
        return None
    from sklearn.decomposition import PCA  # here, for they take a second to import
    from sklearn.manifold import TSNE

    components = PCA(min(DIMENSIONS, *vectors.shape), random_state=seed).fit_transform(vectors)
    if not FEWEST <= len(vectors) <= MOST or components.shape[1] < 2:
        return Projection("PCA", into_square(components[:, :2]))
    # Begun with the PCA, it keeps the large distances, and the seed has hardly anything to decide.
    found = TSNE(init="pca", random_state=seed).fit_transform(components.astype(np.float32))
    return Projection("t-SNE", into_square(found))


def into_square(points: np.ndarray) -> np.ndarray:
    """(N, 1 or 2) -> (N, 2), with one scale for both axes."""
    points = np.pad(points, ((0, 0), (0, 2 - points.shape[1]))).astype(float)
    centred = points - (points.max(0) + points.min(0)) / 2
    return centred / (np.abs(centred).max() or 1.0)
