import numpy as np
import pytest

from asr.evaluation.calibration import area_under_curve, calibration


def test_the_area_is_the_chance_of_a_right_order():
    chance = np.random.default_rng(0)
    scores, positive = chance.integers(0, 5, 60).astype(float), chance.random(60) < 0.4
    pairs = [(a > b) + (a == b) / 2 for a in scores[positive] for b in scores[~positive]]
    assert area_under_curve(scores, positive) == pytest.approx(np.mean(pairs), abs=1e-4)
    assert area_under_curve(scores, np.ones(60, bool)) is None


def test_bins_by_hand():
    """Two answers said to be right with 0.95, one of them right; two with 0.05, none right: half of 0.45 and 0.05."""
    found = calibration(np.array([0.95, 0.95, 0.05, 0.05]), np.array([True, False, False, False]), "utterances")
    assert found["bins"] == [
        {"confidence": 0.05, "accuracy": 0.0, "utterances": 2},
        {"confidence": 0.95, "accuracy": 0.5, "utterances": 2},
    ]
    assert found["ece"] == pytest.approx(0.25)
    assert found["auc"] == pytest.approx(5 / 6, abs=1e-4)  # of three pairs, one is a tie
