"""Coverage against accuracy: who answers only where a label is probable enough is right more often, and answers less.

El-Yaniv & Wiener 2010, "On the foundations of noise-free selective classification".
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from asr.errors import UserError
from asr.evaluation.breakdown import UtteranceRates, cell

UNCERTAIN = "uncertain"  # the answer where no label is probable enough
SHARES = 20  # of held-out utterances that thresholds let through: 1/20, 2/20 …
TENTHS = tuple(step / 10 for step in range(10))  # thresholds of a model that has learnt none


def check_least_probability(value: float | None, name: str = "least_probability") -> None:
    """Raise UserError unless it is a probability or None."""
    if value is not None and not 0 <= value <= 1:
        raise UserError(f"{name}={value:g}: give a probability from 0 to 1, such as 0.4")


def is_uncertain(probability: float, least_probability: float | None) -> bool:
    """Whether the most probable label is not probable enough; never, where nothing is demanded."""
    return least_probability is not None and probability < least_probability


def thresholds_of(confidences: Sequence[float]) -> list[float]:
    """Least probabilities that let all, 95 %, 90 % … 5 % of held-out utterances through, rising from 0."""
    ordered = np.sort(np.asarray(confidences, dtype=float))[::-1]
    shares = range(1, SHARES) if len(ordered) else ()
    return sorted({0.0, *(float(ordered[-(-share * len(ordered) // SHARES) - 1]) for share in shares)})


def coverage(
    lines: Sequence[Mapping[str, Any]], rates: UtteranceRates, thresholds: Sequence[float], seed: int
) -> list[dict[str, Any]]:
    """For every least probability the share `answered`, and of these utterances the rate with its interval.

    lines: of hypotheses.jsonl, with `confidence` and `speaker`; rates: of the same utterances. A threshold that lets
    nothing through is left out.
    """
    confidences = np.array([line["confidence"] for line in lines])
    speakers = [line["speaker"] for line in lines]
    points = []
    for threshold in thresholds or TENTHS:
        rows = np.flatnonzero(confidences >= threshold)
        if len(rows):
            share = {"least_probability": threshold, "answered": len(rows) / len(lines)}
            points.append(share | cell(speakers, rates, rows, seed))
    return points
