"""A sweep as it was asked for, and the time that it has."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from asr.configuration.compose import load_configuration
from asr.errors import UserError
from asr.tasks.transcribe.scoring.wer import OTHER_RATE
from asr.tuning.space import Space, read_space
from asr.writing import write_whole

OBJECTIVES = {  # what a trial is judged by: the place in its metrics
    "wer": ("dev", "wer"),
    "cer": ("dev", "cer"),
    "parameters": ("train", "parameters"),
    "seconds": ("train", "seconds"),
    "real_time_factor": ("dev", "real_time_factor"),
}
FINALS = " finals"  # what the name of their study ends with
TRIALS = 20  # where neither a number nor a time is given
TRIALS_IN_A_BUDGET = 12  # whole trainings that a budget of time is divided into, beside the finals
CLOSING_SHARE = 0.03  # of the budget, for the winner's score on test and the reports


@dataclass(frozen=True)
class Finals:
    """The best few trained again: how many, how often, and for how long (None: as long as the trials)."""

    count: int
    seeds: int
    minutes: float | None


@dataclass(frozen=True)
class Sweep:
    """One search. `overrides` of train.py hold for every training; total_minutes covers the finals too.

    rate: wer or cer, by which trainings choose their models and are pruned and ranked, whatever the objectives.
    """

    name: str
    folder: Path
    space: Space
    overrides: Sequence[str]
    objectives: Sequence[str]
    rate: str
    folds: int | None
    trials: int | None
    total_minutes: float | None
    finals: Finals
    test_all: bool
    workers: int

    @property
    def trial_minutes(self) -> float | None:
        """The length of one training, where it is given in minutes."""
        given = [value for key, _, value in (each.partition("=") for each in self.overrides) if key == "budget.minutes"]
        return None if not given or given[-1] == "null" else float(given[-1])

    @property
    def length(self) -> str | None:
        """The override that says how long one training is, where there is one."""
        return next((each for each in reversed(self.overrides) if each.startswith("budget.")), None)

    @property
    def finals_name(self) -> str:
        """Of the study that the finals are."""
        return f"{self.name}{FINALS}"

    @property
    def final_trainings(self) -> int:
        """The best few and the configuration as it stood, every seed; after folds without finals the best once."""
        if not self.finals.count:
            return 1 if self.folds else 0
        return (self.finals.count + 1) * self.finals.seeds

    @property
    def final_rounds(self) -> int:
        """Trainings of the finals that come one after another."""
        return math.ceil(self.final_trainings / self.workers)

    def described(self) -> dict[str, Any]:
        """What has to be the same for all who work on it."""
        differs = ("data.source", "data.workers", "data.cache_", "trainer.accelerator")
        return {
            "space": [repr(dimension) for dimension in self.space.dimensions],
            "overrides": sorted(each for each in self.overrides if not each.startswith(differs)),
            "objectives": list(self.objectives),
            "folds": self.folds,
            "finals": [self.finals.count, self.finals.seeds, self.finals.minutes],
        }


def judged(objectives: Sequence[str] | None, overrides: Sequence[str]) -> tuple[Sequence[str], str, Sequence[str]]:
    """What a sweep is judged by: its objectives, its rate, and the overrides with which its trainings go by that too.

    UserError where the objectives cannot be, or have another rate than trainer.monitor.
    """
    monitor = load_configuration("train", overrides).trainer.monitor
    objectives = [monitor] if objectives is None else objectives
    if not objectives or isinstance(objectives, str):
        raise UserError(f"objectives={objectives}: a list is wanted, of one at least of {', '.join(OBJECTIVES)}")
    for name in objectives:
        if name not in OBJECTIVES:
            raise UserError(f"objectives: {name} is not known; there are {', '.join(OBJECTIVES)}")
    rates = [name for name in objectives if name in OTHER_RATE]
    rate = monitor if monitor in rates or not rates else rates[0]
    if rate == monitor:
        return objectives, rate, overrides
    if monitor == "cer" or any(each.lstrip("+").startswith("trainer.monitor=") for each in overrides):
        raise UserError(
            f"objectives=[{','.join(objectives)}] with trainer.monitor={monitor}: a sweep goes by one rate; give "
            f"trainer.monitor={rate}, or objectives with {monitor}"
        )
    return objectives, rate, [*overrides, f"trainer.monitor={rate}"]


def sweep_of(settings: Mapping[str, Any], overrides: Sequence[str]) -> Sweep:
    """From what conf/tune.yaml describes; UserError where something in it cannot be."""
    objectives, rate, overrides = judged(settings["objectives"], overrides)
    if settings["test"] not in ("winner", "all"):
        raise UserError(f"test={settings['test']}: winner (only the best is scored on test) or all is wanted")
    check_counts(settings)
    space = read_space(settings["search"]["space"] or {}, overrides)
    if not space.dimensions:
        raise UserError(f"search={settings['name']}: nothing is left to vary; take an override away, or another search")
    trials = settings["trials"]
    if trials is None and settings["budget"]["total_minutes"] is None and not is_grid(settings):
        trials = TRIALS
    sweep = Sweep(
        name=str(settings["name"]),
        folder=Path(settings["run_dir"] or f"runs/tuning/{settings['name']}"),
        space=space,
        overrides=overrides,
        objectives=objectives,
        rate=rate,
        folds=settings["cv"]["folds"],
        trials=trials,
        total_minutes=settings["budget"]["total_minutes"],
        finals=Finals(**settings["finals"]),
        test_all=settings["test"] == "all",
        workers=settings["workers"],
    )
    return in_shares(sweep)


def check_counts(settings: Mapping[str, Any]) -> None:
    """Whole numbers whose keys have other bounds elsewhere, or none; UserError naming the first that is too small."""
    cv, finals = settings["cv"], settings["finals"]
    counts = {
        "workers": (settings["workers"], 1),
        "threads": (settings["threads"], 1),
        "cv.folds": (cv["folds"], 2),
        "finals.count": (finals["count"], 0),
        "finals.seeds": (finals["seeds"], 1),
    }
    for key, (value, least) in counts.items():
        if value is not None and not (isinstance(value, int) and value >= least):
            raise UserError(f"{key}={value}: a whole number of {least} or more is wanted")


def is_grid(settings: Mapping[str, Any]) -> bool:
    return settings["sampler"]["_target_"].endswith(".Grid")


def in_shares(sweep: Sweep) -> Sweep:
    """A sweep with a budget of time whose trainings have no length of their own: they get shares of it."""
    has_length = any(each.startswith(("budget.minutes=", "budget.epochs=")) for each in sweep.overrides)
    if sweep.total_minutes is not None and sweep.trial_minutes is not None:
        final_minutes = sweep.final_rounds * (sweep.finals.minutes or sweep.trial_minutes)
        needed = sweep.trial_minutes * (sweep.folds or 1) + final_minutes
        if needed > sweep.total_minutes * (1 - CLOSING_SHARE):
            raise UserError(
                f"budget.total_minutes={sweep.total_minutes:g}: one trial of budget.minutes={sweep.trial_minutes:g} "
                f"and the finals ({sweep.final_trainings} trainings) take {needed:g} already; raise it, or lower "
                "budget.minutes, finals.minutes, finals.count or finals.seeds"
            )
    if sweep.total_minutes is None or has_length:
        return sweep
    longer = (sweep.finals.minutes or 0) * sweep.final_trainings
    shares = TRIALS_IN_A_BUDGET * (sweep.folds or 1) + (0 if sweep.finals.minutes else sweep.final_trainings)
    minutes = (sweep.total_minutes * sweep.workers * (1 - CLOSING_SHARE) - longer) / shares
    if minutes <= 0:
        raise UserError(
            f"budget.total_minutes={sweep.total_minutes:g}: the finals alone ({sweep.final_trainings} trainings of "
            f"{sweep.finals.minutes:g} minutes) take longer; raise it, or lower finals.minutes, count or seeds"
        )
    return replace(sweep, overrides=[*sweep.overrides, f"budget.minutes={minutes * 0.95:.3g}"])


@dataclass(frozen=True)
class Clock:
    """Until when (time.time()) a sweep may go on, and until when it may begin trials."""

    sweep: Sweep
    until: float

    @property
    def closing_s(self) -> float:
        """Kept for the winner's score on test and the reports."""
        return 60 * CLOSING_SHARE * (self.sweep.total_minutes or 0)

    def time_for_another(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether one more trial, as long as those before it, leaves the finals their time."""
        return time.time() + self.trial_s(trials) <= self.trials_until(trials) + 0.1 * self.trial_s(trials)

    def time_for_final(self, trials: Sequence[FrozenTrial], finals: Sequence[FrozenTrial]) -> bool:
        """Whether one more training of the finals fits in."""
        final = median_s(finals) or self.final_s(trials)
        return time.time() + 0.9 * final <= self.until - self.closing_s

    def trials_until(self, trials: Sequence[FrozenTrial]) -> float:
        """When trials have to end, so that the finals fit in."""
        if self.until == math.inf:
            return math.inf
        return self.until - self.closing_s - self.sweep.final_rounds * self.final_s(trials)

    def trial_s(self, trials: Sequence[FrozenTrial]) -> float:
        """Seconds of a whole trial: the median so far, what was asked for before."""
        return median_s(trials) or 60 * (self.sweep.trial_minutes or 0) * (self.sweep.folds or 1)

    def final_s(self, trials: Sequence[FrozenTrial]) -> float:
        """Seconds of one training of the finals, before any is done."""
        if self.sweep.finals.minutes:
            return 60 * self.sweep.finals.minutes
        return self.trial_s(trials) / (self.sweep.folds or 1)


def median_s(trials: Sequence[FrozenTrial]) -> float | None:
    """Seconds that the finished ones took; None where there are none."""
    whole = [each.duration.total_seconds() for each in trials if each.state == TrialState.COMPLETE and each.duration]
    return median(whole) if whole else None


class TimeSpent:
    """Seconds that a sweep has run for, over interruptions, in a file of its folder."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "time.json"
        self.before = json.loads(self.file.read_text("utf-8"))["seconds"] if self.file.is_file() else 0.0
        self.began = time.time()

    @property
    def seconds(self) -> float:
        return self.before + time.time() - self.began

    def until(self, total_minutes: float | None) -> float:
        """When the sweep has to be over, as time.time()."""
        return math.inf if total_minutes is None else self.began + 60 * total_minutes - self.before

    def save(self) -> None:
        write_whole(self.file, json.dumps({"seconds": round(self.seconds, 1)}))


def best_first(study: optuna.Study, earlier: bool = True) -> list[FrozenTrial]:
    """Finished trials by their first objective, each point once; with several objectives those of the front first.

    earlier: with those that were taken over from another study.
    """
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    finished = [trial for trial in finished if earlier or "from" not in trial.user_attrs]
    front = {trial.number for trial in study.best_trials} if len(study.directions) > 1 and finished else set()
    finished = sorted(finished, key=lambda trial: (trial.number not in front, trial.values, trial.number))
    return list({tuple(sorted(trial.params.items(), key=str)): trial for trial in reversed(finished)}.values())[::-1]
