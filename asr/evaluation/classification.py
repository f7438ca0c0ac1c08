"""How good a classifier is: unweighted average recall, accuracy, each class for itself, what it takes for what.

Unweighted average recall (UAR), the mean of the recalls of all classes, counts a rare class as much as a frequent one
(Schuller, Steidl & Batliner 2009, "The INTERSPEECH 2009 Emotion Challenge").
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from asr.errors import UserError
from asr.evaluation import paired
from asr.evaluation.bootstrap import RESAMPLES, Resampled, resample_utterances, studentised, units_of


@dataclass(frozen=True)
class LabelScore:
    """Right and wrong labels of a test set; rates are fractions.

    uar_ci95, accuracy_ci95: (low, high), the 95 % intervals; one that was resampled over few units says little.
    classes: how many the references hold; UAR is the mean over these.
    interval_over: what was resampled, "speakers" or "utterances"; interval_units: how many of them there were.
    per_class: label -> recall (None where no reference has it), precision (None where it was never predicted), f1,
        utterances (of the references).
    confusion: labels, and counts[reference][prediction] in their order.
    """

    uar: float
    uar_ci95: tuple[float, float]
    accuracy: float
    accuracy_ci95: tuple[float, float]
    utterances: int
    classes: int
    interval_over: str
    interval_units: int
    per_class: dict[str, dict[str, Any]]
    confusion: dict[str, list]

    def as_dict(self) -> dict[str, Any]:
        """What goes into metrics.json."""
        return asdict(self) | {"uar_ci95": list(self.uar_ci95), "accuracy_ci95": list(self.accuracy_ci95)}


def score_labels(
    references: Sequence[str],
    predictions: Sequence[str],
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> LabelScore:
    """Score predicted labels against those of the references, one an utterance.

    groups: the speaker of every utterance. Speakers are resampled for the intervals where at least three are known;
        else, or where every speaker is a class of its own, utterances, and the intervals are of these speakers alone.
    Raises UserError where there is no utterance, ValueError where the lists differ in length.
    """
    if not len(references) == len(predictions) == len(groups if groups is not None else references):
        raise ValueError("references, predictions and groups must be of the same length")
    if not references:
        raise UserError("there is no utterance to score: the test set is empty")
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support  # here: a second to import

    labels = sorted({*references, *predictions})
    each = precision_recall_fscore_support(references, predictions, labels=labels, zero_division=np.nan)
    per_class = {
        label: {"recall": _known(recall), "precision": _known(precision), "f1": float(f1), "utterances": int(count)}
        for label, precision, recall, f1, count in zip(labels, *each, strict=True)
    }
    units, over = label_units(references, groups)
    wrong = np.array([spoken != found for spoken, found in zip(references, predictions, strict=True)], dtype=float)
    errors = resample_utterances(wrong, np.ones(len(wrong)), units, seed, resamples)
    recalls = resample_class_means(wrong, references, units, seed, resamples)
    _, counts = np.unique(references, return_counts=True)
    return LabelScore(
        uar=1 - recalls.rate,
        # With no error at all, as if they were in the rarest class, where they move the mean most.
        uar_ci95=recalls.interval_of_rest(len(counts) * int(counts.min())),
        accuracy=1 - errors.rate,
        accuracy_ci95=errors.interval_of_rest(len(wrong)),
        utterances=len(references),
        classes=len(counts),
        interval_over=over,
        interval_units=int(units.max()) + 1,
        per_class=per_class,
        confusion={"labels": labels, "counts": confusion_matrix(references, predictions, labels=labels).tolist()},
    )


def _known(rate: float) -> float | None:
    return None if np.isnan(rate) else float(rate)


def unweighted_average_recall(references: Sequence[str], predictions: Sequence[str]) -> float:
    """UAR alone, over the classes of the references: quick enough for every validation."""
    _, index = np.unique(references, return_inverse=True)
    right = np.array([spoken == found for spoken, found in zip(references, predictions, strict=True)])
    return float(np.mean(np.bincount(index, right) / np.bincount(index)))


def compare_labels(
    references: Sequence[str],
    predictions: Sequence[str],
    others: Sequence[str],
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
) -> paired.PairedDifference:
    """Test the UAR of `predictions` against that of `others`, both of the same utterances; groups as in `score_labels`.

    Raises UserError where fewer than two utterances are there.
    """
    if len(references) < 2:
        raise UserError(f"{len(references)} utterance is too little to compare on; give a larger test set")
    units, over = label_units(references, groups)
    right, right_of_others = (
        np.array([spoken == found for spoken, found in zip(references, labels, strict=True)], dtype=float)
        for labels in (predictions, others)
    )
    differences = resample_class_means(right - right_of_others, references, units, seed, paired.RESAMPLES)
    rate, against = (unweighted_average_recall(references, labels) for labels in (predictions, others))
    return paired.paired_difference(rate, against, differences, over, len(references))


def label_units(references: Sequence[str], groups: Sequence[str | None] | None) -> tuple[np.ndarray, str]:
    """`units_of`, but utterances where every speaker is a class of its own: without one, its class is gone."""
    units, over = units_of(groups, len(references))
    pairs = len(set(zip(references, units.tolist(), strict=True)))
    if over == "speakers" and pairs == len(set(references)) == len(set(units.tolist())):
        return np.arange(len(references)), "utterances"
    return units, over


def resample_class_means(
    values: np.ndarray, references: Sequence[str], units: np.ndarray, seed: int, resamples: int
) -> Resampled:
    """Bootstrap the mean over classes of the mean value of each class; values, units: (U,) of each utterance.

    Where every unit is one utterance, they are drawn within their class. A draw of speakers may lack a class: its mean
    is that of the classes which it has.
    """
    _, classes = np.unique(references, return_inverse=True)
    count, of_class = int(units.max()) + 1, int(classes.max()) + 1
    sums, counts = np.zeros((count, of_class)), np.zeros((count, of_class))
    np.add.at(sums, (units, classes), values)
    np.add.at(counts, (units, classes), 1.0)
    strata = classes[np.argsort(units)] if count == len(values) else None
    sizes = np.bincount(strata)[strata] if strata is not None else np.full(count, count)
    spread = sizes / np.maximum(sizes - 1, 1)  # of a variance from so few
    return studentised(lambda drawn: _class_means(drawn, sums, counts, spread), count, seed, resamples, strata)


def _class_means(
    drawn: np.ndarray, sums: np.ndarray, counts: np.ndarray, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """drawn (R, N), of each unit and class (N, K) sums and counts -> (R,) means over classes, their standard errors.

    The standard error is that of a mean of ratios of sums, by linearisation; spread: (N,) n / (n − 1) of each stratum.
    """
    totals = drawn @ counts  # (R, K)
    there = totals > 0
    means = np.divide(drawn @ sums, totals, out=np.zeros_like(totals), where=there)
    share = np.divide(1.0, totals * there.sum(axis=1, keepdims=True), out=np.zeros_like(totals), where=there)
    pull = share @ sums.T - (share * means) @ counts.T  # (R, N): by how much a unit moves the mean
    squares = np.where(np.abs(pull) > 1e-12, pull, 0.0) ** 2  # what rounding leaves of nothing
    return means.sum(axis=1) / there.sum(axis=1), np.sqrt((drawn * spread * squares).sum(axis=1))
