"""Whether confidences are true: of the words said to be right with 0.8, four in five should be.

Expected calibration error over bins of equal width (Naeini et al. 2015); area under the curve of finding wrong words
(Hanley & McNeil 1982).
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from asr.tasks.transcribe.confidence import WordConfidence, evidence
from asr.tasks.transcribe.scoring.confusions import align_words
from asr.tasks.transcribe.timing.words import Transcript, tokens_by_word

BINS = 10
FEWEST_WORDS = 50  # to learn from; and some of them right, some wrong
FEWEST_OF_A_KIND = 5
RIDGE = 1.0  # on the weights of standardised evidence
STEPS = 50


def right_words(references: Sequence[str], hypotheses: Sequence[str]) -> list[list[bool]]:
    """For every word of every hypothesis, whether the alignment of least errors pairs it with the same word."""
    return [
        [spoken == heard for spoken, heard in alignment if heard is not None]
        for alignment in align_words(references, hypotheses)
    ]


def fit_confidence(references: Sequence[str], heard: Sequence[Transcript]) -> WordConfidence | None:
    """Learn from a held-out set which words are right; None where there are too few to learn from."""
    rows, truth = [], []
    for right, transcript in zip(right_words(references, [each.text for each in heard]), heard, strict=True):
        groups = tokens_by_word(transcript.tokens)
        if len(groups) == len(right):
            rows += [evidence(tokens) for tokens in groups]
            truth += right
    wrong = len(truth) - sum(truth)
    if len(truth) < FEWEST_WORDS or min(wrong, len(truth) - wrong) < FEWEST_OF_A_KIND:
        return None
    x, y = np.array(rows), np.array(truth, float)
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    weights = logistic_regression(np.column_stack([(x - mean) / deviation, np.ones(len(x))]), y)
    slopes = weights[:-1] / deviation
    return WordConfidence(tuple(round(float(w), 6) for w in [*slopes, weights[-1] - slopes @ mean]))


def logistic_regression(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N, D) with a last column of ones, (N,) in 0..1 -> (D,) weights, by Newton's method with a ridge."""
    ridge = RIDGE * np.diag([*[1.0] * (x.shape[1] - 1), 1e-6])
    weights = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -50, 50)))
        curvature = (x * (p * (1 - p))[:, None]).T @ x + ridge
        weights = weights + np.linalg.solve(curvature, x.T @ (y - p) - ridge @ weights)
    return weights


def calibration(references: Sequence[str], heard: Sequence[Transcript]) -> dict[str, Any]:
    """`ece`, `auc` (None without words of both kinds), and of every bin the mean confidence, accuracy and words."""
    right = np.array(list(chain(*right_words(references, [each.text for each in heard]))), bool)
    said = np.array([word.confidence for each in heard for word in each.words])
    if len(right) != len(said) or not len(said):
        return {"ece": None, "auc": None, "bins": []}
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    bins = [
        {
            "confidence": round(float(said[place == index].mean()), 4),
            "accuracy": round(float(right[place == index].mean()), 4),
            "words": int((place == index).sum()),
        }
        for index in np.unique(place)
    ]
    ece = sum(each["words"] * abs(each["confidence"] - each["accuracy"]) for each in bins) / len(said)
    return {"ece": round(ece, 4), "auc": area_under_curve(-said, ~right), "bins": bins}


def area_under_curve(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """The chance that a positive one has a higher score than another, ties counted half; None without both kinds."""
    if positive.all() or not positive.any():
        return None
    _, index, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[index]  # mean rank of equal scores, from 1
    above = ranks[positive].sum() - positive.sum() * (positive.sum() + 1) / 2
    return round(float(above / (positive.sum() * (~positive).sum())), 4)
