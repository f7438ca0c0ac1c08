"""What a training tells its study, and when that ends it."""

import math
import time
from types import SimpleNamespace

import optuna
import pytest
import torch

from asr.task import Rate
from asr.training.budget import Budget
from asr.tuning.pruning import StudyReporter
from asr.tuning.trials import prune_after_fold

WER, CER = Rate("wer", "WER"), Rate("cer", "CER")


class Always(optuna.pruners.BasePruner):
    """Nothing promises anything."""

    def prune(self, study, trial) -> bool:
        return True


def trainer_at(share: float, wer: float, cer: float = 0.0) -> SimpleNamespace:
    """So far in its budget, with these rates of dev at the end of an epoch."""
    budget = Budget(lambda step, spent: 1.0, None, 1, 1.0, 8000)
    budget.audio_seconds = share
    return SimpleNamespace(
        sanity_checking=False,
        callbacks=[budget],
        callback_metrics={"wer/dev": torch.tensor(wer), "cer/dev": torch.tensor(cer)},
        should_stop=False,
    )


def reporter_of(
    pruner: optuna.pruners.BasePruner, objectives: int = 1, until: float = math.inf, rate: Rate = WER
) -> StudyReporter:
    study = optuna.create_study(directions=["minimize"] * objectives, pruner=pruner)
    return StudyReporter(study.ask(), rate, until, at_rungs=True)


@pytest.mark.parametrize(("share", "ended"), [(0.04, False), (0.3, True), (0.89, True), (0.9, False), (1.0, False)])
def test_a_training_that_promises_nothing_is_ended_unless_it_is_nearly_over(share, ended):
    reporter, trainer = reporter_of(Always()), trainer_at(share, 0.75)
    reporter.on_validation_end(trainer, None)
    assert trainer.should_stop is ended
    assert (reporter.pruned is not None) is ended
    if ended:
        with pytest.raises(optuna.TrialPruned, match=f"dev WER 75.0% after {int(20 * share) / 20:.0%} of its budget"):
            reporter.check_not_pruned()


def test_it_is_judged_by_the_rate_of_its_sweep():
    reporter = reporter_of(Always(), rate=CER)
    for share, wer, cer in ((0.01, 0.5, 0.3), (0.02, 0.9, 0.2), (0.05, 0.1, 0.4)):
        reporter.on_validation_end(trainer_at(share, wer, cer), None)
    assert reporter.trial.study.trials[0].intermediate_values == pytest.approx({1: 0.2})
    assert reporter.pruned == "dev CER 20.0% after 5% of its budget"


def test_folds_are_judged_by_the_rate_of_their_sweep():
    trial = optuna.create_study(pruner=Always()).ask()
    found = [{"dev": {"wer": 0.9, "cer": cer}} for cer in (0.2, 0.3)]
    with pytest.raises(optuna.TrialPruned, match=r"dev CER 25\.0% after 2 of 4 folds"):
        prune_after_fold(trial, found, 4, CER)
    assert trial.study.trials[0].intermediate_values == pytest.approx({10: 0.25})


def test_every_rung_that_was_passed_is_told_the_best_so_far():
    reporter = reporter_of(optuna.pruners.NopPruner())
    for share, wer in ((0.11, 0.9), (0.16, 0.8), (0.26, 0.85), (0.27, float("nan")), (0.3, 0.7)):
        reporter.on_validation_end(trainer_at(share, wer), None)
    told = reporter.trial.study.trials[0].intermediate_values
    assert told == pytest.approx({1: 0.9, 2: 0.9, 3: 0.8, 4: 0.8, 5: 0.8, 6: 0.7})


def test_a_training_that_goes_on_tells_only_what_is_new():
    first = reporter_of(optuna.pruners.NopPruner())
    first.on_validation_end(trainer_at(0.2, 0.6), None)
    again = StudyReporter(first.trial, WER, math.inf, at_rungs=True)
    again.load_state_dict(first.state_dict())
    again.on_validation_end(trainer_at(0.25, 0.9), None)
    assert first.trial.study.trials[0].intermediate_values == pytest.approx(dict.fromkeys(range(1, 6), 0.6))


def test_with_several_objectives_only_the_time_ends_a_training():
    reporter, trainer = reporter_of(Always(), objectives=2), trainer_at(0.5, 0.9)
    reporter.on_validation_end(trainer, None)
    assert not trainer.should_stop
    reporter = reporter_of(Always(), objectives=2, until=time.time() - 1)
    reporter.on_validation_end(trainer, None)
    assert trainer.should_stop and reporter.pruned == "time is up, at dev WER 90.0% after 50% of its budget"
