"""Scores of a classifier: unweighted average recall, accuracy, macro-F1, scores of each class, confusions.

Unweighted average recall (UAR), the mean of the recalls of all classes, counts a rare class as much as a frequent one
(Schuller, Steidl & Batliner 2009, "The INTERSPEECH 2009 Emotion Challenge"). Macro-F1, the mean of their F1 scores,
counts also what was wrongly called so (Opitz & Burst 2019, "Macro F1 and macro F1").
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from asr.errors import UserError
from asr.evaluation import paired
from asr.evaluation.bootstrap import RESAMPLES, resample_utterances, units_of
from asr.evaluation.class_means import RatiosOf, misjudged, missed, resample_class_means

TOP = 5  # labels that the right one is looked for among, where there are more of them


@dataclass(frozen=True)
class LabelScore:
    """Right and wrong labels of a test set; rates are fractions.

    macro_f1: the mean of the F1 scores of all labels that are spoken or predicted, as scikit-learn takes it.
    top5_accuracy: the share of utterances whose label is among the five most probable; None where there are no more.
    …_ci95: (low, high), the 95 % intervals; one that was resampled over few units says little.
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
    macro_f1: float
    macro_f1_ci95: tuple[float, float]
    top5_accuracy: float | None
    top5_accuracy_ci95: tuple[float, float] | None
    utterances: int
    classes: int
    interval_over: str
    interval_units: int
    per_class: dict[str, dict[str, Any]]
    confusion: dict[str, list]

    def as_dict(self) -> dict[str, Any]:
        """What goes into metrics.json."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def score_labels(
    references: Sequence[str],
    predictions: Sequence[str],
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    ranks: Sequence[int | None] | None = None,
) -> LabelScore:
    """Score predicted labels against those of the references, one an utterance.

    ranks: the place of every reference among more than TOP labels, the most probable first, from 1; None for one that
        training did not have.
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
    recalls = resample_class_means(missed(references, predictions, units), references, units, seed, resamples)
    f1 = resample_class_means(misjudged(references, predictions, units), references, units, seed, resamples)
    further = None
    if ranks is not None:
        beyond = np.array([rank is None or rank > TOP for rank in ranks], dtype=float)
        further = resample_utterances(beyond, np.ones(len(beyond)), units, seed, resamples)
    _, counts = np.unique(references, return_counts=True)
    rarest = len(counts) * int(counts.min())  # with no error at all, as if they were there, where they matter most
    return LabelScore(
        uar=1 - recalls.rate,
        uar_ci95=recalls.interval_of_rest(rarest),
        accuracy=1 - errors.rate,
        accuracy_ci95=errors.interval_of_rest(len(wrong)),
        macro_f1=1 - f1.rate,
        macro_f1_ci95=f1.interval_of_rest(rarest),
        top5_accuracy=None if further is None else 1 - further.rate,
        top5_accuracy_ci95=None if further is None else further.interval_of_rest(len(wrong)),
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


def macro_f1(references: Sequence[str], predictions: Sequence[str]) -> float:
    """Macro-F1 alone: quick enough for every validation."""
    return 1 - misjudged(references, predictions, np.zeros(len(references), dtype=int)).mean


def compare_labels(
    references: Sequence[str],
    predictions: Sequence[str],
    others: Sequence[str],
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
    errors: RatiosOf = missed,
) -> paired.PairedDifference:
    """Test the UAR of `predictions` against that of `others`, both of the same utterances; groups as in `score_labels`.

    errors: of each class; `misjudged` for the macro-F1. Raises UserError where fewer than two utterances are there.
    """
    if len(references) < 2:
        raise UserError(f"{len(references)} utterance is too little to compare on; give a larger test set")
    units, over = label_units(references, groups)
    ours, theirs = (errors(references, labels, units) for labels in (predictions, others))
    # Of errors theirs − ours: of what is right ours − theirs.
    differences = resample_class_means(theirs, references, units, seed, paired.RESAMPLES, against=ours)
    return paired.paired_difference(1 - ours.mean, 1 - theirs.mean, differences, over, len(references))


def label_units(references: Sequence[str], groups: Sequence[str | None] | None) -> tuple[np.ndarray, str]:
    """`units_of`, but utterances where every speaker is a class of its own: without one, its class is gone."""
    units, over = units_of(groups, len(references))
    pairs = len(set(zip(references, units.tolist(), strict=True)))
    if over == "speakers" and pairs == len(set(references)) == len(set(units.tolist())):
        return np.arange(len(references)), "utterances"
    return units, over
