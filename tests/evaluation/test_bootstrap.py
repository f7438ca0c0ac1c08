import numpy as np
import pytest

from asr.evaluation.bootstrap import resample, student_t


def coverage(speakers: int, mean: float, trials: int) -> float:
    """How often the interval holds the true rate of speakers who differ, with 20 to 200 words each."""
    random = np.random.default_rng(speakers)
    covered = 0
    for trial in range(trials):
        words = random.integers(20, 201, speakers)
        errors = random.binomial(words, random.beta(8 * mean, 8 * (1 - mean), speakers))
        low, high = resample(errors, words, trial, 1000).interval(int(words.sum()))
        covered += low <= mean <= high
    return covered / trials


@pytest.mark.parametrize(("speakers", "mean"), [(10, 0.3), (30, 0.1), (60, 0.76)])
def test_interval_holds_the_true_rate_in_95_percent(speakers, mean):
    assert 0.93 <= coverage(speakers, mean, 1000) <= 0.97


@pytest.mark.parametrize(("speakers", "mean"), [(3, 0.3), (6, 0.3), (6, 0.05)])
def test_few_speakers(speakers, mean):
    """The percentile interval would hold it in 70 to 85 %."""
    assert 0.87 <= coverage(speakers, mean, 500) <= 0.98


def test_rare_errors_leave_room_above():
    """One error in 240 words of 30 utterances: many draws hold none, and the true rate may be several times as high."""
    low, high = resample(np.eye(30)[0], np.full(30, 8), 0).interval(240)
    assert 0 < low < 1 / 240 < 3 / 240 < high


def test_no_error_is_not_certainty():
    assert resample(np.zeros(30), np.full(30, 8), 0).interval(240) == (0.0, pytest.approx(3 / 240, rel=0.01))


def test_units_that_are_all_alike_say_nothing_of_others():
    assert resample(np.full(5, 2), np.full(5, 4), 0).interval(20) == (0.5, 0.5)


def test_student_t_as_tabulated():
    for freedom, point in ((3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (124, 1.979)):
        assert student_t(freedom) == pytest.approx(point, rel=0.01)
