"""Recordings that are in a corpus twice: the same samples, or the same sound at another level or through a codec."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from asr.data.doctor.measures import Measures

RARE = 50  # recordings that may share a frame's bits before it says nothing
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
    """Pairs of recordings with several equal frames at one shift, ((earlier, later), shift in frames)."""
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for index, bits in enumerate(prints):
        for frame, word in enumerate(bits.tolist()):
            places[word].append((index, frame))
    votes: dict[tuple[int, int, int], int] = defaultdict(int)
    for found in places.values():
        if len(found) > RARE:
            continue
        for position, (earlier, at) in enumerate(found):
            for later, also_at in found[position + 1 :]:
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
