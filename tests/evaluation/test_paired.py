import numpy as np
import pytest

from asr.evaluation.paired import compare_rates


def test_by_hand():
    """Three errors of 40 against eight: 7.5 % against 20 %."""
    found = compare_rates(np.array([1, 2, 0, 0]), np.array([2, 3, 1, 2]), np.full(4, 10))
    assert (found.rate, found.rate_against) == (0.075, 0.2)
    assert found.difference == pytest.approx(-0.125)
    assert found.ci95[0] < -0.125 < found.ci95[1]
    assert (found.over, found.units) == ("utterances", 4)
    assert found.utterances_for_power_80 is not None


def test_what_is_hard_for_both_cancels_out():
    """Speakers differ by up to 40 points, the two systems always by two: that is found with ten of them."""
    hard = np.repeat(np.arange(10) * 4, 5)
    random = np.random.default_rng(0)
    better = random.binomial(5, 0.4, 50)
    groups = [f"s{number // 5}" for number in range(50)]
    found = compare_rates(hard, hard + better, np.full(50, 100), groups)
    assert (found.over, found.units) == ("speakers", 10)
    assert found.p < 0.01 and found.ci95[1] < 0
