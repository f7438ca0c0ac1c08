"""What one worker of a sweep does: trials, then the finals, then the end, each shared with all other workers."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import optuna
from omegaconf import DictConfig
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from asr.tuning.claims import Claims
from asr.tuning.closing import SUMMARY, summary_of, winner_here, write_experiment
from asr.tuning.finals import open_finals, run_finals
from asr.tuning.stage import Stage
from asr.tuning.study import Grid
from asr.tuning.sweep import Clock, Sweep, TimeSpent
from asr.tuning.trials import Train, explore, progress_of
from asr.tuning.turns import Turns
from asr.writing import write_json


class Trainings(Train, Protocol):
    """Trains, and makes a trained run whole: scored on dev and test, with its report; returns its metrics."""

    def close(self, folder: Path) -> Mapping[str, Any]: ...


def work(
    sweep: Sweep,
    study: optuna.Study,
    storage: BaseStorage,
    default: DictConfig,
    until: float,
    trainings: Trainings,
    sampler: Callable[[int], BaseSampler] | None = None,
) -> None:
    """Work on a sweep until nothing of it is left.

    default: the configuration that it began from. sampler: what draws the trial of a number; None: the study's own.
    """
    clock, locks = Clock(sweep, until), sweep.folder / "locks"

    def may_begin() -> bool:
        trials = study.get_trials(deepcopy=False)
        begun = sum(trial.state != TrialState.WAITING and "from" not in trial.user_attrs for trial in trials)
        return (sweep.trials is None or begun < sweep.trials) and clock.time_for_another(trials)

    run, asks = explore(sweep, clock, trainings), not isinstance(study.sampler, Grid)
    progress = progress_of(sweep.folder / "trials")
    Stage(study, Claims(locks / "trials"), run, may_begin, asks, progress, sampler).work(say)
    finals = work_on_finals(sweep, study, storage, default, clock, trainings) if sweep.final_trainings else None
    with Claims(locks).turn():
        if not (sweep.folder / SUMMARY).is_file():
            finish(sweep, study, finals, trainings)


def work_on_finals(
    sweep: Sweep, study: optuna.Study, storage: BaseStorage, default: DictConfig, clock: Clock, trainings: Trainings
) -> optuna.Study:
    locks = sweep.folder / "locks"
    with Turns(storage, study.study_name, Claims(locks)).turn():
        finals = open_finals(storage, sweep, study, default)

    def may_begin() -> bool:
        return clock.time_for_final(study.get_trials(deepcopy=False), finals.get_trials(deepcopy=False))

    run, progress = run_finals(sweep, clock, trainings), progress_of(sweep.folder / "finals")
    Stage(finals, Claims(locks / "finals"), run, may_begin, False, progress).work(say)
    return finals


def finish(sweep: Sweep, study: optuna.Study, finals: optuna.Study | None, trainings: Trainings) -> None:
    """Choose the winner, score it on test, and write what others can use."""
    summary = summary_of(sweep, study, finals, TimeSpent(sweep.folder).before)
    winner = summary["winner"]
    winner["metrics"] = trainings.close(winner_here(summary))
    rate, on_test = sweep.rate.upper(), winner["metrics"]["test"][sweep.rate]
    rates = f"dev {rate} {winner['dev']:.2%}, test {rate} {on_test:.2%}"
    said = f"found by search={sweep.name}: {rates}, with {sweep.length or 'its own budget'}"
    write_experiment(sweep.folder / "winner.yaml", [*sweep.overrides, *winner["overrides"]], said)
    write_json(sweep.folder / SUMMARY, summary)


def say(line: str) -> None:
    """Into the worker's log."""
    print(line, file=sys.stderr, flush=True)
