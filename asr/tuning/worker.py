"""One worker of a sweep: trials, then the finals, then the summary, each shared with all other workers."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from asr.tuning.finals import finals_runner, open_finals
from asr.tuning.judge import Judge
from asr.tuning.locks import FolderLocks
from asr.tuning.side_by_side import write_side_by_side
from asr.tuning.space import Configuration
from asr.tuning.study_lock import study_lock
from asr.tuning.summary import SUMMARY, summary_of, winner_folder, write_experiment
from asr.tuning.sweep import Sweep
from asr.tuning.time_budget import TimeBudget, TimeSpent
from asr.tuning.trials import Train, progress_in, search_runner
from asr.tuning.work_queue import WorkQueue
from asr.writing import write_whole


class Trainings(Train, Protocol):
    """Trains; scores a trained run on dev and test, writes its report, and returns its metrics."""

    def score_and_report(self, folder: Path) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Worker:
    """Works on a sweep until nothing of it is left.

    default: the configuration that it started from. sampler: what draws the trial of a number; None: the study's own.
    """

    sweep: Sweep
    study: optuna.Study
    storage: BaseStorage
    default: Configuration
    budget: TimeBudget
    trainings: Trainings
    judge: Judge
    sampler: Callable[[int], BaseSampler] | None = None

    @property
    def locks(self) -> Path:
        return self.sweep.folder / "locks"

    def work(self) -> None:
        self.search()
        finals = self.train_finals() if self.sweep.final_trainings else None
        with FolderLocks(self.locks).one_at_a_time():
            if not (self.sweep.folder / SUMMARY).is_file():
                self.summarize(finals)

    def search(self) -> None:
        sweep, study = self.sweep, self.study

        def may_start() -> bool:
            trials = study.get_trials(deepcopy=False)
            started = sum(trial.state != TrialState.WAITING and "from" not in trial.user_attrs for trial in trials)
            return (sweep.trials is None or started < sweep.trials) and self.budget.has_time_for_trial(trials)

        run, progress = search_runner(sweep, self.budget, self.trainings), progress_in(sweep.folder / "trials")
        locks = FolderLocks(self.locks / "trials")
        WorkQueue(study, self.storage, locks, run, may_start, sweep.draws_new, progress, self.sampler).work(log)

    def train_finals(self) -> optuna.Study:
        sweep, study = self.sweep, self.study
        with study_lock(self.storage, study.study_name, FolderLocks(self.locks)):
            finals = open_finals(self.storage, sweep, study, self.default)

        def may_start() -> bool:
            return self.budget.has_time_for_final(study.get_trials(deepcopy=False), finals.get_trials(deepcopy=False))

        run, progress = finals_runner(sweep, self.budget, self.trainings), progress_in(sweep.folder / "finals")
        WorkQueue(finals, self.storage, FolderLocks(self.locks / "finals"), run, may_start, False, progress).work(log)
        return finals

    def summarize(self, finals: optuna.Study | None) -> None:
        """Choose the winner, score it on test, and write what others can use."""
        sweep, rate = self.sweep, self.sweep.rate
        summary = summary_of(sweep, self.study, finals, self.judge, TimeSpent(sweep.folder).seconds_before)
        winner = summary["winner"]
        winner["metrics"] = self.trainings.score_and_report(winner_folder(summary))
        on_test = winner["metrics"]["test"][rate.name]
        rates = f"dev {rate.title} {winner['dev']:.2%}, test {rate.title} {on_test:.2%}"
        comment = f"found by search={sweep.name}: {rates}, with {sweep.length or 'its own budget'}"
        write_experiment(sweep.folder / "winner.yaml", [*sweep.overrides, *winner["overrides"]], comment)
        if summary["side_by_side"]:
            write_side_by_side(sweep.folder, summary["side_by_side"])
        write_whole(sweep.folder / SUMMARY, json.dumps(summary, indent=2, ensure_ascii=False) + "\n")


def log(line: str) -> None:
    """Into the worker's log, which is its standard error."""
    print(line, file=sys.stderr, flush=True)
