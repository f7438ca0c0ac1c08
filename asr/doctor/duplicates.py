"""Recordings that are in a corpus twice: the same samples, or the same sound at another level or through a codec."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from asr.doctor.measures import Measures

STEP = 8  # frames between the two whose bits are looked up together
RARE = 50  # places that may share these bits before they say nothing
VOTES = 3  # frames at the same shift that make a pair worth comparing
SAME_BITS = 0.85  # of all bits, in the overlap; two recordings of one sentence by one speaker share about 0.6
OVERLAP = 0.8  # of the shorter recording


def exact_copies(measures: Mapping[str, Measures]) -> dict[str, str]:
    """{utterance: the first one with the same samples}."""
    first: dict[bytes, str] = {}
    return {name: first[m.digest] for name, m in measures.items() if first.setdefault(m.digest, name) != name}


def near_copies(measures: Mapping[str, Measures]) -> dict[str, tuple[str, float]]:
    """{utterance: (an earlier one that sounds the same, the share of fingerprint bits that agree)}."""
    names = list(measures)
    prints = [measures[name].fingerprint for name in names]
    best: dict[str, tuple[str, float]] = {}
    for (earlier, later), shift in candidates(prints):
        share = agreement(prints[earlier], prints[later], shift)
        if share >= SAME_BITS and share > best.get(names[later], ("", 0.0))[1]:
            best[names[later]] = (names[earlier], share)
    return best


def candidates(prints: list[np.ndarray]) -> Iterator[tuple[tuple[int, int], int]]:
    """Pairs of recordings with several equal frames at one shift, ((earlier, later), shift in frames).

    Two frames STEP apart make a key of 32 bits, which other recordings hardly share by chance.
    """
    long = [(index, bits) for index, bits in enumerate(prints) if len(bits) > STEP]
    if not long:
        return
    keys = np.concatenate([bits[:-STEP].astype(np.uint32) | bits[STEP:].astype(np.uint32) << 16 for _, bits in long])
    owner = np.concatenate([np.full(len(bits) - STEP, index) for index, bits in long])
    frame = np.concatenate([np.arange(len(bits) - STEP) for _, bits in long])
    order = np.lexsort((owner, keys))
    bounds = np.flatnonzero(np.diff(keys[order])) + 1
    votes: Counter[tuple[int, int, int]] = Counter()
    starts, ends = np.concatenate([[0], bounds]), np.concatenate([bounds, [len(order)]])
    several = (ends - starts > 1) & (ends - starts <= RARE)
    for start, end in zip(starts[several].tolist(), ends[several].tolist(), strict=True):
        found = order[start:end]
        owners, frames = owner[found].tolist(), frame[found].tolist()
        for (earlier, at), (later, also_at) in combinations(zip(owners, frames, strict=True), 2):
            if earlier != later:
                votes[earlier, later, also_at - at] += 1
    for (earlier, later, shift), count in votes.items():
        if count >= VOTES:
            yield (earlier, later), shift


def agreement(one: np.ndarray, other: np.ndarray, shift: int) -> float:
    """The share of bits that agree where `other`, moved by `shift` frames, lies over `one`; 0 for a small overlap."""
    one, other = one[max(0, -shift) :], other[max(0, shift) :]
    size = min(len(one), len(other))
    if size < OVERLAP * min(len(one) + max(0, -shift), len(other) + max(0, shift)):
        return 0.0
    return 1.0 - float(np.bitwise_count(one[:size] ^ other[:size]).mean()) / 16
