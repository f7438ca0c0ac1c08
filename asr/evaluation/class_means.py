"""The bootstrap of a mean over classes: of their recalls, of their F1 scores; of one classifier, or of two at once.

Shapes: U utterances, N units that are drawn, K classes, R draws.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from asr.evaluation.bootstrap import Resampled, studentised

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ROUNDING = 1e-12  # what it leaves of nothing

RatiosOf = Callable[[Sequence[str], Sequence[str], np.ndarray], "MeanOfClasses"]  # references, predictions, units


class MeanOfClasses(Protocol):
    """A mean over classes that units can be drawn for."""

    @property
    def mean(self) -> float:
        """Of all units together."""

    def means(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """drawn (R, N): how often each unit -> (R,) means, (R, N) by how much each unit moves them."""


@dataclass(frozen=True)
class ClassRatios:
    """A ratio of sums for every class, such as what was missed of it: (N, K) what every unit adds above and below.

    Sparse: an utterance is of one class or two, and there may be thousands of both.
    """

    numerators: "csr_array"
    denominators: "csr_array"

    @property
    def mean(self) -> float:
        """The mean over classes, of all units together."""
        return float(self.means(np.ones((1, self.numerators.shape[0])))[0][0])

    def means(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """drawn (R, N): how often each unit -> (R,) means over classes, (R, N) by how much each unit moves its mean.

        The latter by linearisation of a mean of ratios of sums. A draw that lacks a class is the mean of the others.
        """
        totals = drawn @ self.denominators  # (R, K)
        there = totals > 0
        ratios = np.divide(drawn @ self.numerators, totals, out=np.zeros_like(totals), where=there)
        share = np.divide(1.0, totals * there.sum(axis=1, keepdims=True), out=np.zeros_like(totals), where=there)
        pull = share @ self.numerators.T - (share * ratios) @ self.denominators.T
        return ratios.sum(axis=1) / there.sum(axis=1), pull


@dataclass(frozen=True)
class MeanOfSeveral:
    """The mean of such means, of several labels that the same utterances have."""

    parts: Sequence[MeanOfClasses]

    @property
    def mean(self) -> float:
        return float(np.mean([part.mean for part in self.parts]))

    def means(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As those of its parts."""
        means, pulls = zip(*(part.means(drawn) for part in self.parts), strict=True)
        return np.mean(means, axis=0), np.mean(pulls, axis=0)


def missed(references: Sequence[str], predictions: Sequence[str], units: np.ndarray) -> ClassRatios:
    """1 − recall of the classes of the references; units (U,): of each utterance."""
    _, classes = np.unique(references, return_inverse=True)
    wrong = np.array([spoken != found for spoken, found in zip(references, predictions, strict=True)], dtype=float)
    count = int(classes.max()) + 1
    return ClassRatios(per_unit(units, classes, wrong, count), per_unit(units, classes, np.ones(len(wrong)), count))


def misjudged(references: Sequence[str], predictions: Sequence[str], units: np.ndarray) -> ClassRatios:
    """1 − F1 of all classes: what was missed or wrongly called so, over twice what was found plus these two."""
    labels, both = np.unique([*references, *predictions], return_inverse=True)
    spoken, found = both[: len(references)], both[len(references) :]
    wrong = (spoken != found).astype(float)
    numerators, denominators = (
        per_unit(units, spoken, values, len(labels)) + per_unit(units, found, values, len(labels))
        for values in (wrong, np.ones(len(wrong)))
    )
    return ClassRatios(numerators, denominators)


def per_unit(units: np.ndarray, classes: np.ndarray, values: np.ndarray, count: int) -> "csr_array":
    """(N, K) sums of the values (U,) of each unit and class."""
    from scipy.sparse import coo_array  # here, for scipy takes half a second to import

    return coo_array((values, (units, classes)), shape=(int(units.max()) + 1, count)).tocsr()


def resample_class_means(
    ratios: MeanOfClasses,
    references: Sequence[str],
    units: np.ndarray,
    seed: int,
    resamples: int,
    against: MeanOfClasses | None = None,
) -> Resampled:
    """Bootstrap the mean over classes, or its difference from that of another classifier on the same utterances.

    Where every unit is one utterance, they are drawn within their class. units: (U,) of each utterance.
    """
    count = int(units.max()) + 1
    _, classes = np.unique(references, return_inverse=True)
    strata = classes[np.argsort(units)] if count == len(units) else None
    sizes = np.bincount(strata)[strata] if strata is not None else np.full(count, count)
    spread = sizes / np.maximum(sizes - 1, 1)  # of a variance from so few

    def statistic(drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        means, pull = ratios.means(drawn)
        if against is not None:
            means_against, pull_against = against.means(drawn)
            means, pull = means - means_against, pull - pull_against
        squares = np.where(np.abs(pull) > ROUNDING, pull, 0.0) ** 2
        return means, np.sqrt((drawn * spread * squares).sum(axis=1))

    return studentised(statistic, count, seed, resamples, strata)
