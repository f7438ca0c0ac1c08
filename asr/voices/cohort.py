"""Scores of trials beside those of a cohort: recordings of other speakers than those of the trials."""

from hashlib import sha256
from typing import Protocol

import numpy as np

from asr.errors import UserError
from asr.voices.embedding import unit_length

TOP = 300  # of the cohort, as is usual for AS-norm
SMALLEST_SPREAD = 1e-6  # below it the cohort's scores are all alike


class Scoring(Protocol):
    """`name` tells scores that may be compared with one threshold from others."""

    name: str

    def __call__(self, enrolled: np.ndarray, tests: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """(M, E) and (N, E) of length 1, (K,) rows of each -> (K,) scores."""
        ...


class Cosine:
    """The cosine of two embeddings."""

    name = "cosine"

    def __call__(self, enrolled: np.ndarray, tests: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return cosines(enrolled, tests, first, second)


class CentredCosine:
    """The cosine once the cohort's mean is taken off both embeddings, which removes what all recordings share."""

    def __init__(self, cohort: np.ndarray) -> None:
        self.cohort, self.mean = cohort, cohort.mean(axis=0)
        self.name = f"centred cosine, cohort {fingerprint_of_cohort(cohort)}"

    def __call__(self, enrolled: np.ndarray, tests: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return cosines(self.centred(enrolled), self.centred(tests), first, second)

    def centred(self, vectors: np.ndarray) -> np.ndarray:
        return unit_length(vectors - self.mean, [f"recording {i + 1}" for i in range(len(vectors))])


class AdaptiveSymmetricNorm:
    """AS-norm: (z of the score among the cohort's closest to one recording + the same of the other) / 2.

    Matejka et al. 2017, "Analysis of Score Normalization in Multilingual Speaker Recognition" (adaptive s-norm 1). The
    cohort's mean is taken off all embeddings first.
    """

    def __init__(self, cohort: np.ndarray, top: int = TOP) -> None:
        if len(cohort) < 2 or top < 2:
            raise UserError("AS-norm compares with at least 2 recordings of a cohort; give a larger --cohort")
        self.centre = CentredCosine(cohort)
        self.cohort, self.top = self.centre.centred(cohort), min(top, len(cohort))
        self.name = f"AS-norm of {self.top}, cohort {fingerprint_of_cohort(cohort)}"

    def __call__(self, enrolled: np.ndarray, tests: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        enrolled, tests = self.centre.centred(enrolled), self.centre.centred(tests)
        raw = cosines(enrolled, tests, first, second)
        normed = np.zeros(len(raw))
        for vectors, rows in ((enrolled, first), (tests, second)):
            mean, spread = self.statistics(vectors)
            normed += (raw - mean[rows]) / spread[rows] / 2
        return normed

    def statistics(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, E) -> (N,) mean and deviation of the scores of each with the `top` closest of the cohort."""
        means, spreads = [], []
        for start in range(0, len(vectors), 1024):
            scores = vectors[start : start + 1024].astype(np.float64) @ self.cohort.T.astype(np.float64)
            highest = -np.partition(-scores, self.top - 1, axis=1)[:, : self.top]
            means.append(highest.mean(axis=1))
            spreads.append(highest.std(axis=1))
        spread = np.concatenate(spreads)
        if (spread < SMALLEST_SPREAD).any():
            raise UserError("the recordings of --cohort are all alike; give a cohort of different speakers")
        return np.concatenate(means), spread


def cosines(enrolled: np.ndarray, tests: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(M, E), (N, E) of length 1, (K,) rows of each -> (K,) in 64 bits."""
    found = np.zeros(len(first))
    for start in range(0, len(first), 65_536):  # a list of millions of trials is not held as pairs of embeddings
        part = slice(start, start + 65_536)
        found[part] = np.einsum("ke,ke->k", enrolled[first[part]], tests[second[part]], dtype=np.float64)
    return found


def fingerprint_of_cohort(cohort: np.ndarray) -> str:
    return sha256(np.ascontiguousarray(cohort, dtype=np.float32).tobytes()).hexdigest()[:12]
