"""The time that a sweep has, and who comes into its finals."""

import time
from dataclasses import replace
from datetime import datetime, timedelta

import optuna
import pytest
from optuna.trial import TrialState

from asr.configuration.compose import as_plain_values, load_configuration
from asr.configuration.search_path import CONF
from asr.errors import UserError
from asr.tuning.finals import candidates_of, ranking
from asr.tuning.sweep import Finals, Sweep, choose_objectives
from asr.tuning.time_budget import TimeBudget
from tests.tuning.studies import RATES, sweep_in

BETWEEN = optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True)
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
        budget = TimeBudget(sweep, begun + closing_s + 0.9 * one_s + spare)
        assert budget.has_time_for_final(lasting(*trials), []) is fits
    budget = TimeBudget(sweep, begun + 1800)
    assert budget.trials_until(lasting(*trials)) == pytest.approx(begun + 1800 - closing_s - 4 * one_s)


def test_finals_that_are_done_tell_what_the_next_takes(tmp_path):
    budget = TimeBudget(folded(tmp_path, None), time.time() + 54 + 60)
    assert not budget.has_time_for_final(lasting(360), [])
    assert budget.has_time_for_final(lasting(360), lasting(40, 50))
    assert not budget.has_time_for_final(lasting(360), lasting(200, 210))


def test_a_trial_is_begun_where_it_leaves_the_finals_their_time(tmp_path):
    sweep = folded(tmp_path, None)  # a trial 360 s, the finals 4 × 120 s, the end 54 s
    for spare, fits in ((-60, False), (0, True)):
        assert TimeBudget(sweep, time.time() + 360 + 480 + 54 + spare + 1).has_time_for_trial([]) is fits


@pytest.mark.parametrize("stood_at", [0, 3, None])
def test_the_finals_are_the_best_few_and_the_configuration_as_it_stood_wherever_that_came(tmp_path, stood_at):
    space = {"optimizer.lr": {"low": 1e-4, "high": 1e-2, "log": True}}
    sweep, default = sweep_in(tmp_path, space=space), as_plain_values(load_configuration("train", []))
    rates = [0.002, 0.003, 0.004, 0.005, 0.006]
    if stood_at is not None:
        rates.insert(stood_at, default["optimizer"]["lr"])
    study = optuna.create_study()
    for number, rate in enumerate(rates):
        lr = {"optimizer.lr": rate}
        study.add_trial(
            optuna.trial.create_trial(params=lr, distributions={"optimizer.lr": BETWEEN}, value=0.1 + 0.01 * number)
        )
    found = candidates_of(sweep, study, default)
    others = [number for number in range(len(rates)) if number != stood_at][:3]
    stood = "as it stood" if stood_at is None else f"trial {stood_at}, as it stood"
    assert [each.label for each in found] == [*(f"trial {number}" for number in others), stood]
    assert [each.overrides for each in found[:3]] == [[f"optimizer.lr={rates[number]}"] for number in others]


CER, WER = "trainer.monitor=cer", "trainer.monitor=wer"


def chosen(objectives, given):
    """With the name of the rate in its place."""
    monitor = load_configuration("train", given).trainer.monitor or RATES[0].name  # null: the task's first
    objectives, rate, overrides = choose_objectives(objectives, given, RATES, monitor)
    return objectives, rate.name, overrides


@pytest.mark.parametrize(
    ("objectives", "given", "found"),
    [
        (None, [], (["wer"], "wer", [])),
        (None, [CER], (["cer"], "cer", [CER])),
        (["cer"], [], (["cer"], "cer", [CER])),
        (["parameters", "cer"], [], (["parameters", "cer"], "cer", [CER])),
        (["cer", "wer"], [], (["cer", "wer"], "wer", [])),
        (["wer", "cer"], [CER], (["wer", "cer"], "cer", [CER])),
        (["parameters"], [CER], (["parameters"], "cer", [CER])),
        (["wer"], [WER], (["wer"], "wer", [WER])),
    ],
)
def test_objectives_and_monitor_agree_on_one_rate(objectives, given, found):
    assert chosen(objectives, given) == found


def test_an_experiment_may_say_the_rate():
    copied = CONF / "experiment" / "by_cer_in_a_test.yaml"
    copied.write_text("# @package _global_\ntrainer:\n  monitor: cer\n", "utf-8")
    given = ["experiment=by_cer_in_a_test"]
    try:
        assert chosen(None, given) == (["cer"], "cer", given)
        with pytest.raises(UserError, match="or objectives with cer"):
            chosen(["wer"], given)
        assert chosen(["wer"], [*given, WER]) == (["wer"], "wer", [*given, WER])
    finally:
        copied.unlink()


@pytest.mark.parametrize(
    ("rates", "order"),  # of every candidate with every seed: trial 7, trial 3 and what stood
    [
        ([[0.2, 0.4], [0.3, 0.5], [0.35, 0.35]], ["trial 7", "as it stood", "trial 3"]),
        ([[0.2, 0.4], [0.3, 0.5], [0.3, 0.3]], ["as it stood", "trial 7", "trial 3"]),  # a change that changes nothing
        ([[0.2, 0.4], [0.1], [0.3, 0.5]], ["trial 7", "as it stood", "trial 3"]),  # one seed is no mean
    ],
)
def test_finals_are_ranked_by_their_means(tmp_path, rates, order):
    finals = optuna.create_study()
    labels = ("trial 7", "trial 3", "as it stood")
    finals.set_user_attr("candidates", [{"label": label, "overrides": []} for label in labels])
    for index, seeds in enumerate(rates):
        for seed, rate in enumerate(seeds):
            about = {"final": [index, seed], "folder": str(tmp_path / f"{index}-{seed}")}
            finals.add_trial(optuna.trial.create_trial(value=rate, user_attrs=about))
    ranked = ranking(sweep_in(tmp_path), optuna.create_study(), finals)
    assert [each.candidate.label for each in ranked] == order
