"""Trials of a study that any number of processes work on: each is done once, one whose worker died is taken up."""

import math
import socket
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
import torch
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from asr.errors import UserError, one_line
from asr.tuning.claims import Claim, Claims
from asr.tuning.storage import OUT_OF_REACH
from asr.tuning.turns import Turns

POLL_S = 1.0  # between looks at what others do
BEAT_S = 30.0  # between signs of life
SILENT_S = 300.0  # without one, a worker on another machine counts as gone
NAMELESS_S = 20.0  # between the beginning of a waiting trial and its worker's first sign of life, at most
TRIES = 3  # of a trial whose worker was killed before it got any further


@dataclass(frozen=True)
class Stage:
    """A study, who runs its trials, whether one more may be begun, and whether its sampler is asked for more.

    run: trial -> its values; raises TrialPruned, or UserError for a trial that cannot be done. progress: how far a
    trial has come on this disk, as a text that changes when it gets further. sampler: what draws the trial of a number;
    None: the study's own draws all.
    """

    study: optuna.Study
    claims: Claims
    run: Callable[[Trial], Sequence[float]]
    may_begin: Callable[[], bool]
    asks: bool
    progress: Callable[[FrozenTrial], str]
    sampler: Callable[[int], BaseSampler] | None = None

    def work(self, tell: Callable[[str], None]) -> None:
        """Do trials until none is left: neither to be begun nor under way elsewhere."""
        while (taken := self.next(tell)) is not None:
            trial, claim = taken
            try:
                with beating(trial):
                    self.do(trial, tell)
            finally:
                claim.let_go()

    def next(self, tell: Callable[[str], None]) -> tuple[Trial, Claim] | None:
        turns = Turns(self.study._storage, self.study.study_name, self.claims)
        while True:
            with turns.turn():
                taken = self.abandoned(tell) or (self.waiting() or self.asked() if self.may_begin() else None)
            if taken is not None:
                return taken
            while not self.promising():
                if not self.trials(TrialState.RUNNING):
                    return None
                time.sleep(POLL_S)

    def promising(self) -> bool:
        """Whether it is worth a turn to look for something to do."""
        left = any(self.is_left(trial) for trial in self.trials(TrialState.RUNNING))
        return left or ((self.asks or bool(self.trials(TrialState.WAITING))) and self.may_begin())

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=states)

    def is_left(self, trial: FrozenTrial) -> bool:
        """Whether nobody does this trial any more, by a lock where it is of this folder, by silence elsewhere."""
        whose = trial.user_attrs.get("home")
        if whose != self.claims.home:
            return seconds_since_sign(trial) >= (SILENT_S if whose else NAMELESS_S)
        claim = self.claims.take(name_of(trial))
        if claim is not None:
            claim.let_go()
        return claim is not None

    def abandoned(self, tell: Callable[[str], None]) -> tuple[Trial, Claim] | None:
        """A trial whose worker is gone, now ours; one that killed its workers is given up."""
        for frozen in filter(self.is_left, self.trials(TrialState.RUNNING)):
            claim = self.claims.take(name_of(frozen))
            if claim is None:
                continue
            try:
                trial = self.trial_of(frozen._trial_id)
                self.ours(trial, claim)
                if trial.user_attrs.get("tries", [])[-TRIES:].count(self.progress(frozen)) < TRIES:
                    tell(f"trial {trial.number} is taken up again: its worker ended in the midst of it")
                    return trial, claim
            except UpdateFinishedTrialError:  # it was done while we looked
                claim.let_go()
                continue
            reason = f"its worker was killed {TRIES} times at the same place: out of memory?"
            self.finish(trial, TrialState.FAIL, None, reason, tell)
            claim.let_go()
        return None

    def waiting(self) -> tuple[Trial, Claim] | None:
        for frozen in self.trials(TrialState.WAITING):
            try:
                begun = self.study._storage.set_trial_state_values(frozen._trial_id, TrialState.RUNNING)
            except UpdateFinishedTrialError:
                continue
            if begun:
                return self.claimed(self.trial_of(frozen._trial_id))
        return None

    def asked(self) -> tuple[Trial, Claim] | None:
        """A new trial, whose home is known from the moment it is there: we may be killed in the next."""
        if not self.asks:
            return None
        new = optuna.trial.create_trial(state=TrialState.RUNNING, user_attrs=signs(self.claims))
        return self.claimed(self.trial_of(self.study._storage.create_new_trial(self.study._study_id, new)))

    def trial_of(self, identity: int) -> Trial:
        """Drawn by random numbers of its own, whoever does it and whatever was done before."""
        if self.sampler is not None:
            self.study.sampler = self.sampler(self.study._storage.get_trial_number_from_id(identity))
        self.study._thread_local.cached_all_trials = None  # as study.ask does
        return Trial(self.study, identity)

    def claimed(self, trial: Trial) -> tuple[Trial, Claim]:
        claim = self.claims.take(name_of(trial), wait=True)  # others hold it for as long as it takes to look
        assert claim is not None
        return self.ours(trial, claim)

    def ours(self, trial: Trial, claim: Claim) -> tuple[Trial, Claim]:
        for name, value in signs(self.claims).items():
            trial.set_user_attr(name, value)
        return trial, claim

    def do(self, trial: Trial, tell: Callable[[str], None]) -> None:
        """Run one trial; whatever happens to it is written beside it and ends nothing else."""
        here = self.progress(self.study._storage.get_trial(trial._trial_id))
        trial.set_user_attr("tries", [*trial.user_attrs.get("tries", []), here])
        try:
            values = finite(self.run(trial))
        except KeyboardInterrupt:
            trial.set_user_attr("tries", [])  # stopped by a person, not by what it does
            raise
        except OUT_OF_REACH:  # no fault of the trial's: it goes on when the storage is back
            raise
        except optuna.TrialPruned as pruned:
            self.finish(trial, TrialState.PRUNED, None, str(pruned), tell)
        except (MemoryError, torch.OutOfMemoryError) as error:
            self.finish(trial, TrialState.FAIL, None, f"out of memory: {one_line(error)}", tell)
        except UserError as error:
            self.finish(trial, TrialState.FAIL, None, one_line(error), tell)
        except Exception as error:
            traceback.print_exc()
            kind = "out of memory" if "not enough memory" in str(error) else type(error).__name__
            self.finish(trial, TrialState.FAIL, None, f"{kind}: {one_line(error)}", tell)
        else:
            self.finish(trial, TrialState.COMPLETE, values, "", tell)

    def finish(self, trial: Trial, state: TrialState, values: Sequence[float] | None, reason: str, tell) -> None:
        try:
            if reason:
                trial.set_user_attr("reason", reason)
            self.study.tell(trial, list(values) if values is not None else None, state)
        except (UpdateFinishedTrialError, ValueError) as error:  # another machine thought us gone, and did it too
            tell(f"trial {trial.number}: {one_line(error)}")
            return
        shown = ", ".join(f"{value:.4g}" for value in values) if values is not None else reason
        tell(f"trial {trial.number}: {state.name.lower()} {shown}")


def finite(values: Sequence[float]) -> Sequence[float]:
    if not all(map(math.isfinite, values)):
        raise UserError(f"its result is no number: {', '.join(map(str, values))}")
    return values


def signs(claims: Claims) -> dict[str, Any]:
    """What tells others who does a trial, and that it is being done."""
    return {"home": claims.home, "beat": time.time(), "machine": socket.gethostname()}


def name_of(trial: Trial | FrozenTrial) -> str:
    return f"{trial.number:04d}"


def seconds_since_sign(trial: FrozenTrial) -> float:
    """Since the last beat or, before the first, since the beginning, which is in its machine's local time."""
    began = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    return time.time() - trial.user_attrs.get("beat", began)


class beating:  # noqa: N801 - reads as a statement: with beating(trial): …
    """Gives signs of life for a trial, from a thread of its own."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.over = trial, threading.Event()
        self.thread = threading.Thread(target=self.beat, daemon=True)

    def beat(self) -> None:
        while not self.over.wait(BEAT_S):
            try:
                self.trial.set_user_attr("beat", time.time())
            except Exception:  # the storage is out of reach, or the trial finished: the work itself will find out
                continue

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *error) -> None:
        self.over.set()
        self.thread.join()
