"""What a study learns of a training under way, and how it ends one that promises nothing."""

import math
import time

import optuna
import pytorch_lightning as lightning
from optuna.trial import Trial

from asr.training.budget import Budget

RUNGS = 20  # at which trials are compared: every 5 % of a training's budget
NEAR_THE_END = 18  # from this rung on a training is finished: its result is worth more than what is left of its time


class Reports(lightning.Callback):
    """Tells the study the best dev rate so far at every rung, and stops a training that it wants pruned or time is up.

    A rung is a share of the budget, not an epoch: trainings are compared where their learning rates stand alike, and
    those of any speed meet the same rungs. rate: wer or cer. until: time.time() at which trainings have to end.
    at_rungs: whether this training is the whole of the trial; where it is one of several folds, and where there are
    several objectives, which Optuna does not prune on, only the time is minded.
    """

    def __init__(self, trial: Trial, rate: str, until: float, at_rungs: bool) -> None:
        self.trial, self.rate, self.until = trial, rate, until
        self.at_rungs = at_rungs and len(trial.study.directions) == 1
        self.best = math.inf
        self.rung = max(trial.study._storage.get_trial(trial._trial_id).intermediate_values, default=0)
        self.pruned: str | None = None  # why
        self.trained_s = 0.0

    def on_validation_end(self, trainer, module) -> None:
        if trainer.sanity_checking:
            return
        value = float(trainer.callback_metrics[f"{self.rate}/dev"])
        self.best = min(self.best, value if math.isfinite(value) else math.inf)
        budget, best = budget_of(trainer), f"dev {self.rate.upper()} {self.best:.1%}"
        reached = min(RUNGS, int(RUNGS * budget.spent + 1e-9))
        if self.at_rungs and math.isfinite(self.best) and self.rung < reached:
            for rung in range(self.rung + 1, reached + 1):
                self.trial.report(self.best, rung)
            self.rung = reached
            if reached < NEAR_THE_END and self.trial.should_prune():
                self.pruned = f"{best} after {reached / RUNGS:.0%} of its budget"
        if self.pruned is None and time.time() > self.until:
            self.pruned = f"time is up, at {best} after {budget.spent:.0%} of its budget"
        if self.pruned is not None:
            trainer.should_stop = True

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


def budget_of(trainer) -> Budget:
    return next(each for each in trainer.callbacks if isinstance(each, Budget))
