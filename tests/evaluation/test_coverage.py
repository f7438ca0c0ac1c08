"""Coverage against accuracy, counted by hand."""

import numpy as np
import pytest

from asr.errors import UserError
from asr.evaluation.breakdown import UtteranceRates
from asr.evaluation.coverage import check_least_probability, coverage, is_uncertain, thresholds_of

CONFIDENCES = [0.9, 0.8, 0.6, 0.5, 0.3]
RIGHT = np.array([True, True, False, True, False])
RATES = UtteranceRates("accuracy", "utterances", (~RIGHT).astype(float), np.ones(5), of_right=True)
LINES = [{"confidence": value, "speaker": None} for value in CONFIDENCES]


def test_the_curve_of_five_utterances():
    found = coverage(LINES, RATES, [0.0, 0.5, 0.55, 0.85, 0.95], 0)
    points = [(each["least_probability"], each["answered"], each["accuracy"], each["utterances"]) for each in found]
    assert points == [
        (0.0, 1.0, pytest.approx(3 / 5), 5),
        (0.5, 0.8, pytest.approx(3 / 4), 4),  # what is exactly as probable is answered
        (0.55, 0.6, pytest.approx(2 / 3), 3),
        (0.85, 0.2, 1.0, 1),
    ]
    low, high = found[0]["accuracy_ci95"]
    assert 0 <= low < 3 / 5 < high < 1


def test_a_model_without_thresholds_is_looked_at_in_tenths():
    found = coverage(LINES, RATES, [], 0)
    assert [each["least_probability"] for each in found] == [step / 10 for step in range(10)]
    assert [each["utterances"] for each in found] == [5, 5, 5, 5, 4, 4, 3, 2, 2, 1]


def test_thresholds_let_twentieths_of_held_out_utterances_through():
    confidences = np.arange(1, 101) / 100
    found = thresholds_of(np.random.default_rng(0).permutation(confidences))
    assert len(found) == 20 and found[0] == 0 and found == sorted(found)
    assert [(confidences >= each).sum() for each in found] == [100, *range(95, 0, -5)]
    assert thresholds_of([0.7, 0.7]) == [0.0, 0.7] and thresholds_of([]) == [0.0]


def test_uncertain_is_what_is_less_probable_than_demanded():
    assert is_uncertain(0.39, 0.4) and not is_uncertain(0.4, 0.4) and not is_uncertain(0.0, None)
    check_least_probability(None)
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match=r"--least-probability=.*: give a probability from 0 to 1"):
            check_least_probability(wrong, "--least-probability")
