"""The time that a sweep has: whether one more trial, or one more training of the finals, fits in."""

import time
from dataclasses import replace
from datetime import datetime, timedelta

import optuna
import pytest
from optuna.trial import TrialState
from studies import sweep_in

from asr.tuning.sweep import Clock, Finals, Sweep

BEGAN = datetime(2026, 1, 2)


def folded(folder, minutes: float | None) -> Sweep:
    """Three folds of two minutes each; finals of 2 × 2 trainings, of so many minutes."""
    return replace(
        sweep_in(folder),
        overrides=["budget.minutes=2"],
        folds=3,
        trials=None,
        total_minutes=30,
        finals=Finals(1, 2, minutes),
    )


def lasting(*seconds: float) -> list[optuna.trial.FrozenTrial]:
    """Finished trials that took so long."""
    found = []
    for each in seconds:
        trial = optuna.trial.create_trial(state=TrialState.COMPLETE, value=0.5)
        trial.datetime_start, trial.datetime_complete = BEGAN, BEGAN + timedelta(seconds=each)
        found.append(trial)
    return found


@pytest.mark.parametrize(
    ("minutes", "trials", "one_s"), [(None, [], 120), (None, [300, 420, 480], 140), (5, [300], 300)]
)
def test_a_final_takes_the_time_of_one_fold_or_its_own(tmp_path, minutes, trials, one_s):
    sweep, closing_s = folded(tmp_path, minutes), 0.03 * 1800
    begun = time.time()
    for spare, fits in ((-20, False), (20, True)):
        clock = Clock(sweep, begun + closing_s + 0.9 * one_s + spare)
        assert clock.time_for_final(lasting(*trials), []) is fits
    clock = Clock(sweep, begun + 1800)
    assert clock.trials_until(lasting(*trials)) == pytest.approx(begun + 1800 - closing_s - 4 * one_s)


def test_finals_that_are_done_tell_what_the_next_takes(tmp_path):
    clock = Clock(folded(tmp_path, None), time.time() + 54 + 60)
    assert not clock.time_for_final(lasting(360), [])
    assert clock.time_for_final(lasting(360), lasting(40, 50))
    assert not clock.time_for_final(lasting(360), lasting(200, 210))


def test_a_trial_is_begun_where_it_leaves_the_finals_their_time(tmp_path):
    sweep = folded(tmp_path, None)  # a trial 360 s, the finals 4 × 120 s, the end 54 s
    for spare, fits in ((-60, False), (0, True)):
        assert Clock(sweep, time.time() + 360 + 480 + 54 + spare + 1).time_for_another([]) is fits
