"""Confidences learnt from one set are true of another."""

import numpy as np
import pytest

from asr.errors import UserError
from asr.tasks.transcribe.confidence import WordConfidence
from asr.tasks.transcribe.scoring.calibration import fit_confidence, right_words, word_calibration
from asr.tasks.transcribe.timing.words import Token, Transcript, Word


def drawn(utterances: int, seed: int) -> tuple[list[str], list[Transcript]]:
    """An overconfident model: words are right with half the log-odds that their tokens claim."""
    chance = np.random.default_rng(seed)
    references, heard = [], []
    for number in range(utterances):
        words, tokens, truth = [], [], []
        for place in range(5):
            odds = chance.normal(2, 2)
            claimed = 1 / (1 + np.exp(-odds))
            right = chance.random() < 1 / (1 + np.exp(-odds / 2))
            truth.append("yes" if right else f"no{number}")
            words.append(Word("yes", place, place + 0.5, claimed))
            tokens += [Token("▁y", place, place + 0.2, claimed), Token("es", place + 0.2, place + 0.5, claimed)]
        references.append(" ".join(truth))
        heard.append(Transcript("", " ".join(["yes"] * 5), words, 5.0, tokens))
    return references, heard


def test_what_is_learnt_from_one_set_is_true_of_another():
    model = fit_confidence(*drawn(400, 1))
    assert model is not None
    references, heard = drawn(400, 2)
    before, after = (
        word_calibration(references, heard),
        word_calibration(references, [model.of(each) for each in heard]),
    )
    assert before["ece"] > 0.1
    assert after["ece"] < 0.04
    assert after["auc"] == pytest.approx(before["auc"], abs=0.01)
    assert after["auc"] > 0.65
    assert sum(each["words"] for each in after["bins"]) == 2000
    assert all(abs(each["confidence"] - each["accuracy"]) < 0.12 for each in after["bins"] if each["words"] > 100)


def test_right_words_are_those_of_the_alignment():
    references, hypotheses = ["a b c d", "a", "x"], ["a b x d e", "", "x"]
    assert right_words(references, hypotheses) == [[True, True, False, True, False], [], [True]]


def test_too_little_to_learn_from():
    references, heard = drawn(5, 1)
    assert fit_confidence(references, heard) is None
    references, heard = drawn(40, 1)
    assert fit_confidence([each.text for each in heard], heard) is None  # all right
    nothing = Transcript("", "", [], 1.0)
    assert word_calibration(["a"], [nothing]) == {"ece": None, "auc": None, "bins": []}


def test_weights_that_are_no_weights():
    with pytest.raises(UserError, match="5 numbers"):
        WordConfidence((1.0, float("nan"), 0.0, 0.0, 0.0))
