"""What a study learns of a training under way, and how it ends one that is unlikely to win."""

import math
import time

import optuna
import pytorch_lightning as lightning
from optuna.trial import Trial

from asr.task import Rate
from asr.training.budget import Budget

RUNGS = 20  # at which trials are compared: every 5 % of a training's budget
LAST_PRUNED_RUNG = 17  # after it a training is finished: its result is worth more than what is left of its time


class StudyReporter(lightning.Callback):
    """Tells the study the best dev rate so far at every rung; stops a training that is pruned or out of time.

    A rung is a share of the budget, not an epoch: trainings are compared where their learning rates stand alike, and
    those of any speed meet the same rungs. until: time.time() at which trainings have to end.
    at_rungs: whether this training is the whole of the trial; where it is one of several folds, and where there are
    several objectives, which Optuna does not prune on, only the time is minded.
    """

    def __init__(self, trial: Trial, rate: Rate, until: float, at_rungs: bool) -> None:
        self.trial, self.rate, self.until = trial, rate, until
        self.at_rungs = at_rungs and len(trial.study.directions) == 1
        self.best: float | None = None
        self.rung = last_rung(trial)
        self.pruned: str | None = None  # why
        self.trained_s = 0.0

    def on_validation_end(self, trainer, module) -> None:
        if trainer.sanity_checking:
            return
        self.note(float(trainer.callback_metrics[f"{self.rate.name}/dev"]))
        budget, best = budget_of(trainer), describe(self.rate, self.best)
        reached = min(RUNGS, int(RUNGS * budget.spent + 1e-9))
        if self.at_rungs and self.best is not None and self.rung < reached:
            for rung in range(self.rung + 1, reached + 1):
                self.trial.report(self.best, rung)
            self.rung = reached
            if reached <= LAST_PRUNED_RUNG and self.trial.should_prune():
                self.pruned = f"{best} after {reached / RUNGS:.0%} of its budget"
        if self.pruned is None and time.time() > self.until:
            self.pruned = f"time is up, at {best} after {budget.spent:.0%} of its budget"
        if self.pruned is not None:
            trainer.should_stop = True

    def note(self, value: float) -> None:
        """Keep the best; a rate that is no number, as of a training that diverges, is none."""
        if math.isfinite(value) and (self.best is None or self.rate.cost(value) < self.rate.cost(self.best)):
            self.best = value

    def state_dict(self) -> dict:
        return {"best": self.best}

    def load_state_dict(self, state: dict) -> None:
        self.best = state["best"]

    def on_train_end(self, trainer, module) -> None:
        self.trained_s = budget_of(trainer).seconds

    def check_not_pruned(self) -> None:
        """Raise TrialPruned where the training was stopped."""
        if self.pruned is not None:
            raise optuna.TrialPruned(self.pruned)


def last_rung(trial: Trial) -> int:
    """The last one that the study was told of, by this worker or one before it; 0 where there is none."""
    (found,) = (each for each in trial.study.get_trials(deepcopy=False) if each.number == trial.number)
    return found.last_step or 0


def describe(rate: Rate, value: float | None) -> str:
    return f"dev {rate.title} " + ("unknown" if value is None else f"{value:.1%}")


def budget_of(trainer) -> Budget:
    return next(each for each in trainer.callbacks if isinstance(each, Budget))
