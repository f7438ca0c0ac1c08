"""Trials of a study that any number of processes work on: each is done once, one whose worker died is resumed."""

import math
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import optuna
import torch
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from asr.errors import UserError, one_line
from asr.tuning.locks import FolderLocks, Lock
from asr.tuning.ownership import Heartbeat, is_silent, write_owner
from asr.tuning.storage import OUT_OF_REACH
from asr.tuning.study_lock import study_lock

POLL_S = 1.0  # between looks at what other workers do
MAX_ATTEMPTS = 3  # of a trial whose worker is killed before it gets any further


@dataclass(frozen=True)
class WorkQueue:
    """A study, the storage it is kept in, who runs its trials, and whether one more may be started.

    run: trial -> its values; raises TrialPruned, or UserError for a trial that cannot be done. draws_new: whether new
    trials are drawn once none waits. progress: how far the trial of a number has come on this disk, as a text that
    changes when it gets further. sampler: what draws the trial of a number; None: the study's own draws all.
    """

    study: optuna.Study
    storage: BaseStorage
    locks: FolderLocks
    run: Callable[[Trial], Sequence[float]]
    may_start: Callable[[], bool]
    draws_new: bool
    progress: Callable[[int], str]
    sampler: Callable[[int], BaseSampler] | None = None

    def work(self, log: Callable[[str], None]) -> None:
        """Run trials until none is left: neither to be started nor running elsewhere."""
        while (taken := self.take(log)) is not None:
            trial, lock = taken
            try:
                with Heartbeat(trial):
                    self.run_trial(trial, log)
            finally:
                lock.release()

    def take(self, log: Callable[[str], None]) -> tuple[Trial, Lock] | None:
        """The next trial to run, with its lock, waiting for one where others still run; None where all are done."""
        while True:
            with study_lock(self.storage, self.study.study_name, self.locks):
                taken = self.take_abandoned(log) or (self.take_new() if self.may_start() else None)
            if taken is not None:
                return taken
            while not self.may_have_work():
                if not self.trials(TrialState.RUNNING):
                    return None
                time.sleep(POLL_S)

    def may_have_work(self) -> bool:
        """Whether it is worth taking the study's lock to look for a trial."""
        abandoned = any(self.is_abandoned(trial) for trial in self.trials(TrialState.RUNNING))
        return abandoned or ((self.draws_new or bool(self.trials(TrialState.WAITING))) and self.may_start())

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=states)

    def is_abandoned(self, trial: FrozenTrial) -> bool:
        """Whether nobody runs this trial any more: by its lock where it is of this folder, by silence elsewhere."""
        if trial.user_attrs.get("folder_id") == self.locks.folder_id:
            return self.locks.is_free(lock_name(trial))
        return is_silent(trial)

    def take_abandoned(self, log: Callable[[str], None]) -> tuple[Trial, Lock] | None:
        """A trial whose worker is gone, now ours; one that killed its workers is given up."""
        for abandoned in filter(self.is_abandoned, self.trials(TrialState.RUNNING)):
            lock = self.locks.acquire(lock_name(abandoned))
            if lock is None:
                continue
            try:
                trial = self.reopen(abandoned.number)
                write_owner(trial, self.locks.folder_id)
                attempts = trial.user_attrs.get("attempts", [])[-MAX_ATTEMPTS:]
                if attempts.count(self.progress(trial.number)) < MAX_ATTEMPTS:
                    log(f"trial {trial.number} is taken up again: its worker ended in the midst of it")
                    return trial, lock
            except UpdateFinishedTrialError:  # it was done in the meantime
                lock.release()
                continue
            reason = f"its worker was killed {MAX_ATTEMPTS} times at the same place: out of memory?"
            self.finish(trial, TrialState.FAIL, None, reason, log)
            lock.release()
        return None

    def reopen(self, number: int) -> Trial:
        """A running trial as one of ours. `study.ask` never gives out a trial twice, so it is made from its id."""
        if self.sampler is not None:
            self.study.sampler = self.sampler(number)
        study_id = self.storage.get_study_id_from_name(self.study.study_name)
        return Trial(self.study, self.storage.get_trial_id_from_study_id_trial_number(study_id, number))

    def take_new(self) -> tuple[Trial, Lock] | None:
        """The first trial that waits, else a new one, drawn by its own random numbers whichever worker draws it."""
        waiting = {trial.number for trial in self.trials(TrialState.WAITING)}
        if not waiting and not self.draws_new:
            return None
        trial = self.study.ask()
        if not self.draws_new and trial.number not in waiting:  # our lock counted as stale, another took the last one
            self.study.tell(trial, state=TrialState.FAIL)
            return None
        if self.sampler is not None:
            self.study.sampler = self.sampler(trial.number)
        return self.claim(trial)

    def claim(self, trial: Trial) -> tuple[Trial, Lock]:
        lock = self.locks.acquire(lock_name(trial), wait=True)  # others hold it only for as long as a look takes
        assert lock is not None
        write_owner(trial, self.locks.folder_id)
        return trial, lock

    def run_trial(self, trial: Trial, log: Callable[[str], None]) -> None:
        """Run one trial; whatever happens to it is written beside it and ends nothing else."""
        trial.set_user_attr("attempts", [*trial.user_attrs.get("attempts", []), self.progress(trial.number)])
        try:
            values = check_finite(self.run(trial))
        except KeyboardInterrupt:
            trial.set_user_attr("attempts", [])  # stopped by a person, not by what it does
            raise
        except OUT_OF_REACH:  # no fault of the trial's: it goes on when the storage is back
            raise
        except optuna.TrialPruned as pruned:
            self.finish(trial, TrialState.PRUNED, None, str(pruned), log)
        except (MemoryError, torch.OutOfMemoryError) as error:
            self.finish(trial, TrialState.FAIL, None, f"out of memory: {one_line(error)}", log)
        except UserError as error:
            self.finish(trial, TrialState.FAIL, None, one_line(error), log)
        except Exception as error:
            traceback.print_exc()
            kind = "out of memory" if "not enough memory" in str(error) else type(error).__name__
            self.finish(trial, TrialState.FAIL, None, f"{kind}: {one_line(error)}", log)
        else:
            self.finish(trial, TrialState.COMPLETE, values, "", log)

    def finish(self, trial: Trial, state: TrialState, values: Sequence[float] | None, reason: str, log) -> None:
        try:
            if reason:
                trial.set_user_attr("reason", reason)
            self.study.tell(trial, list(values) if values is not None else None, state)
        except (UpdateFinishedTrialError, ValueError) as error:  # another machine took us for gone, and did it too
            log(f"trial {trial.number}: {one_line(error)}")
            return
        result = ", ".join(f"{value:.4g}" for value in values) if values is not None else reason
        log(f"trial {trial.number}: {state.name.lower()} {result}")


def check_finite(values: Sequence[float]) -> Sequence[float]:
    if not all(map(math.isfinite, values)):
        raise UserError(f"its result is no number: {', '.join(map(str, values))}")
    return values


def lock_name(trial: Trial | FrozenTrial) -> str:
    return f"{trial.number:04d}"
