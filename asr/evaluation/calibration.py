"""Whether confidences are true: of the answers said to be right with 0.8, four in five should be.

Expected calibration error over bins of equal width (Naeini et al. 2015); area under the curve of finding wrong answers
(Hanley & McNeil 1982).
"""

from typing import Any

import numpy as np

BINS = 10


def calibration(confidences: np.ndarray, right: np.ndarray, counted: str) -> dict[str, Any]:
    """`ece`, `auc` (None without answers of both kinds), and of every bin the mean confidence, accuracy and number.

    confidences: (N,) in [0, 1]; right: (N,) whether each answer is; counted: the key of a bin's number, say "words".
    """
    confidences, right = np.asarray(confidences, float), np.asarray(right, bool)
    if not len(confidences):
        return {"ece": None, "auc": None, "bins": []}
    place = np.minimum((confidences * BINS).astype(int), BINS - 1)
    bins = [
        {
            "confidence": round(float(confidences[place == index].mean()), 4),
            "accuracy": round(float(right[place == index].mean()), 4),
            counted: int((place == index).sum()),
        }
        for index in np.unique(place)
    ]
    ece = sum(each[counted] * abs(each["confidence"] - each["accuracy"]) for each in bins) / len(confidences)
    return {"ece": round(ece, 4), "auc": area_under_curve(-confidences, ~right), "bins": bins}


def area_under_curve(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """The chance that a positive one has a higher score than another, ties counted half; None without both kinds."""
    if positive.all() or not positive.any():
        return None
    from sklearn.metrics import roc_auc_score  # here, for it takes a second to import

    return round(float(roc_auc_score(positive, scores)), 4)
