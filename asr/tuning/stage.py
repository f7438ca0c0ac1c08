"""Trials of a study that any number of processes work on: each is done once, one whose worker died is taken up."""

import socket
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import optuna
import torch
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState

from asr.errors import UserError, one_line
from asr.tuning.claims import Claim, Claims

POLL_S = 1.0  # between looks at what others do
BEAT_S = 30.0  # between signs of life
SILENT_S = 300.0  # without one, a worker on another machine counts as gone
TRIES = 3  # of a trial whose worker was killed before it got any further


@dataclass(frozen=True)
class Stage:
    """A study, who runs its trials, whether one more may be begun, and whether its sampler is asked for more.

    run: trial -> its values; raises TrialPruned, or UserError for a trial that cannot be done. progress: how far a
    trial has come on this disk, as a text that changes when it gets further.
    """

    study: optuna.Study
    claims: Claims
    run: Callable[[Trial], Sequence[float]]
    may_begin: Callable[[], bool]
    asks: bool
    progress: Callable[[FrozenTrial], str]

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
        while True:
            with self.claims.turn():
                trial = self.abandoned(tell)
                if trial is None and (begins := self.may_begin()):
                    trial = self.waiting() or self.asked()
                if trial is not None:
                    return trial
            if not self.trials(TrialState.RUNNING) and not (begins and self.trials(TrialState.WAITING)):
                return None
            time.sleep(POLL_S)

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=states)

    def abandoned(self, tell: Callable[[str], None]) -> tuple[Trial, Claim] | None:
        """A trial whose worker is gone, now ours; one that killed its workers is given up."""
        for frozen in self.trials(TrialState.RUNNING):
            at_home = frozen.user_attrs.get("home") == home(self.claims)
            if not at_home and seconds_since_sign(frozen) < SILENT_S:
                continue
            claim = self.claims.take(name_of(frozen))
            if claim is None:
                continue
            trial = Trial(self.study, frozen._trial_id)
            tries = [*frozen.user_attrs.get("tries", []), self.progress(frozen)]
            trial.set_user_attr("tries", tries)
            if tries[-TRIES:].count(tries[-1]) == TRIES:
                reason = f"its worker was killed {TRIES} times at the same place: out of memory?"
                self.finish(trial, TrialState.FAIL, None, reason, tell)
                claim.let_go()
                continue
            tell(f"trial {trial.number} is taken up again: its worker ended in the midst of it")
            return self.ours(trial, claim)
        return None

    def waiting(self) -> tuple[Trial, Claim] | None:
        for frozen in self.trials(TrialState.WAITING):
            try:
                begun = self.study._storage.set_trial_state_values(frozen._trial_id, TrialState.RUNNING)
            except UpdateFinishedTrialError:
                continue
            if begun:
                return self.claimed(Trial(self.study, frozen._trial_id))
        return None

    def asked(self) -> tuple[Trial, Claim] | None:
        return self.claimed(self.study.ask()) if self.asks else None

    def claimed(self, trial: Trial) -> tuple[Trial, Claim]:
        claim = self.claims.take(name_of(trial))
        assert claim is not None, "a new trial is nobody else's"
        return self.ours(trial, claim)

    def ours(self, trial: Trial, claim: Claim) -> tuple[Trial, Claim]:
        trial.set_user_attr("home", home(self.claims))
        trial.set_user_attr("beat", time.time())
        trial.set_user_attr("machine", socket.gethostname())
        return trial, claim

    def do(self, trial: Trial, tell: Callable[[str], None]) -> None:
        """Run one trial; whatever happens to it is written beside it and ends nothing else."""
        try:
            values = self.run(trial)
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


def name_of(trial: Trial | FrozenTrial) -> str:
    return f"{trial.number:04d}"


def home(claims: Claims) -> str:
    """What tells the folder of these claims from any other, on whichever machine it is looked at."""
    file = claims.folder / "home"
    if not file.exists():
        file.write_text(uuid.uuid4().hex, "utf-8")
    return file.read_text("utf-8")


def seconds_since_sign(trial: FrozenTrial) -> float:
    began = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    return time.time() - max(began, trial.user_attrs.get("beat", 0.0))


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
