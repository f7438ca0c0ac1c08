"""How likely a word is right: learnt from the words of a held-out set, and whether that is true of another."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from asr.evaluation.calibration import calibration
from asr.tasks.transcribe.confidence import WordConfidence, confidence_features
from asr.tasks.transcribe.scoring.confusions import align_words
from asr.tasks.transcribe.timing.words import Transcript, tokens_by_word

FEWEST_WORDS = 50  # to learn from; and some of them right, some wrong
FEWEST_OF_A_KIND = 5
RIDGE = 1.0  # on the weights of standardised features


def right_words(references: Sequence[str], hypotheses: Sequence[str]) -> list[list[bool]]:
    """For every word of every hypothesis, whether the alignment of least errors pairs it with the same word."""
    return [
        [spoken == heard for spoken, heard in alignment if heard is not None]
        for alignment in align_words(references, hypotheses)
    ]


def fit_confidence(references: Sequence[str], transcripts: Sequence[Transcript]) -> WordConfidence | None:
    """Learn from a held-out set which words are right; None where there are too few to learn from."""
    features, truth = [], []
    answers = right_words(references, [each.text for each in transcripts])
    for right, transcript in zip(answers, transcripts, strict=True):
        groups = tokens_by_word(transcript.tokens)
        if len(groups) == len(right):
            features += [confidence_features(tokens) for tokens in groups]
            truth += right
    wrong = len(truth) - sum(truth)
    if len(truth) < FEWEST_WORDS or min(wrong, len(truth) - wrong) < FEWEST_OF_A_KIND:
        return None
    from sklearn.linear_model import LogisticRegression  # here, for they take seconds to import
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(features)
    # Newton's method, so that the weights are those of the minimum, whatever the machine.
    model = LogisticRegression(C=1 / RIDGE, solver="newton-cholesky", tol=1e-8).fit(scale.transform(features), truth)
    slopes = model.coef_[0] / scale.scale_
    return WordConfidence(tuple(round(float(w), 6) for w in [*slopes, model.intercept_[0] - slopes @ scale.mean_]))


def word_calibration(references: Sequence[str], transcripts: Sequence[Transcript]) -> dict[str, Any]:
    """`calibration` of the words of all transcripts; nothing known where words and alignment differ in number."""
    right = list(chain(*right_words(references, [each.text for each in transcripts])))
    confidences = [word.confidence for each in transcripts for word in each.words]
    if len(right) != len(confidences):
        right, confidences = [], []
    return calibration(np.array(confidences), np.array(right, bool), counted="words")
