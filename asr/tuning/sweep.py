"""The settings of a sweep, checked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optuna.study import StudyDirection

from asr.errors import UserError
from asr.task import Rate
from asr.tuning.space import Space, read_space

COSTS = {  # objectives beside the rates of the task, and their places in a trial's metrics
    "parameters": ("train", "parameters"),
    "seconds": ("train", "seconds"),
    "real_time_factor": ("dev", "real_time_factor"),
}
FINALS = " finals"  # what the name of their study ends with
TRIALS = 20  # where neither a number nor a time is given
TRIALS_IN_A_BUDGET = 12  # whole trainings that a budget of time is divided into, beside the finals
RESERVED_SHARE = 0.03  # of the budget, for the winner's score on test and the reports


@dataclass(frozen=True)
class Finals:
    """The best few trained again: how many, how often, and for how long (None: as long as the trials)."""

    count: int
    seeds: int
    minutes: float | None


@dataclass(frozen=True)
class Sweep:
    """One search. `overrides` of train.py hold for every training; total_minutes covers the finals too.

    rates: all of the task. rate: the one by which trainings choose their models and are pruned and ranked, whatever
    the objectives. draws_new: whether the sampler draws trials; off for a grid, whose points all wait from the start.
    beside: the key whose values stand side by side and are not chosen among. pooled: keys whose values are parts of one
    measurement, such as data.test_fold.
    """

    name: str
    folder: Path
    space: Space
    overrides: Sequence[str]
    objectives: Sequence[str]
    rate: Rate
    rates: Sequence[Rate]
    folds: int | None
    trials: int | None
    total_minutes: float | None
    finals: Finals
    test_all: bool
    workers: int
    draws_new: bool
    beside: str | None = None
    pooled: Sequence[str] = ()

    @property
    def directions(self) -> list[StudyDirection]:
        """Whether Optuna looks for the least or the greatest value of each objective."""
        higher = {rate.name for rate in self.rates if rate.higher_is_better}
        return [StudyDirection.MAXIMIZE if name in higher else StudyDirection.MINIMIZE for name in self.objectives]

    def costs(self, values: Sequence[float]) -> list[float]:
        """A trial's values so that less is better, to sort by."""
        rates = {rate.name: rate for rate in self.rates}
        named = zip(self.objectives, values, strict=True)
        return [rates[name].cost(value) if name in rates else value for name, value in named]

    def values_of(self, metrics: Mapping[str, Any]) -> list[float]:
        """The objectives, out of what a trial keeps of its metrics."""
        places = objective_places(self.rates)
        return [metrics[part][key] for part, key in (places[name] for name in self.objectives)]

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

    def identity(self) -> dict[str, Any]:
        """What has to be the same for all processes that work on it."""
        may_differ = ("data.source", "data.workers", "data.cache_", "trainer.accelerator")
        return {
            "space": [repr(dimension) for dimension in self.space.dimensions],
            "overrides": sorted(each for each in self.overrides if not each.startswith(may_differ)),
            "objectives": list(self.objectives),
            "folds": self.folds,
            "finals": [self.finals.count, self.finals.seeds, self.finals.minutes],
        }


def objective_places(rates: Sequence[Rate]) -> dict[str, tuple[str, str]]:
    """Every objective that there is for a task of these rates: its name, and its place in a trial's metrics."""
    return {rate.name: ("dev", rate.name) for rate in rates} | COSTS


def choose_objectives(
    objectives: Sequence[str] | None, overrides: Sequence[str], rates: Sequence[Rate], monitor: str
) -> tuple[Sequence[str], Rate, Sequence[str]]:
    """The objectives of a sweep, its rate, and the overrides with which its trainings go by the same rate.

    rates: of the task, its own choice first. monitor: the one that trainings go by with these overrides. UserError
    where the objectives cannot be, or have another rate than one that was asked for by trainer.monitor.
    """
    known, by_name = objective_places(rates), {rate.name: rate for rate in rates}
    if monitor not in by_name:
        raise UserError(f"trainer.monitor={monitor}: no rate of this task; there are {', '.join(by_name)}")
    objectives = [monitor] if objectives is None else objectives
    if not objectives or isinstance(objectives, str):
        raise UserError(f"objectives={objectives}: a list is wanted, of one at least of {', '.join(known)}")
    for name in objectives:
        if name not in known:
            raise UserError(f"objectives: {name} is not known; there are {', '.join(known)}")
    named = [name for name in objectives if name in by_name]
    if monitor in named or not named:
        return objectives, by_name[monitor], overrides
    if monitor != rates[0].name or any(each.lstrip("+").startswith("trainer.monitor=") for each in overrides):
        raise UserError(
            f"objectives=[{','.join(objectives)}] with trainer.monitor={monitor}: a sweep goes by one rate; give "
            f"trainer.monitor={named[0]}, or objectives with {monitor}"
        )
    return objectives, by_name[named[0]], [*overrides, f"trainer.monitor={named[0]}"]


def sweep_of(settings: Mapping[str, Any], overrides: Sequence[str], rates: Sequence[Rate], monitor: str) -> Sweep:
    """From what conf/tune.yaml describes; rates and monitor as for `choose_objectives`. Raises UserError."""
    objectives, rate, overrides = choose_objectives(settings["objectives"], overrides, rates, monitor)
    if settings["test"] not in ("winner", "all"):
        raise UserError(f"test={settings['test']}: winner (only the best is scored on test) or all is wanted")
    check_counts(settings)
    space = read_space(settings["search"]["space"] or {}, overrides)
    if not space.dimensions:
        raise UserError(
            f"search={settings['name']}: nothing is left to vary; take an override away, or give another search="
        )
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
        rates=rates,
        folds=settings["cv"]["folds"],
        trials=trials,
        total_minutes=settings["budget"]["total_minutes"],
        finals=Finals(**settings["finals"]),
        test_all=settings["test"] == "all",
        workers=settings["workers"],
        draws_new=not is_grid(settings),
        beside=settings["beside"],
        pooled=settings["pooled"],
    )
    return with_training_length(sweep)


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


def with_training_length(sweep: Sweep) -> Sweep:
    """The sweep; where its trainings have no length of their own, they get shares of its budget of time."""
    has_length = any(each.startswith(("budget.minutes=", "budget.epochs=")) for each in sweep.overrides)
    if sweep.total_minutes is not None and sweep.trial_minutes is not None:
        final_minutes = sweep.final_rounds * (sweep.finals.minutes or sweep.trial_minutes)
        needed = sweep.trial_minutes * (sweep.folds or 1) + final_minutes
        if needed > sweep.total_minutes * (1 - RESERVED_SHARE):
            raise UserError(
                f"budget.total_minutes={sweep.total_minutes:g}: one trial of budget.minutes={sweep.trial_minutes:g} "
                f"and the finals ({sweep.final_trainings} trainings) take {needed:g} already; raise it, or lower "
                "budget.minutes, finals.minutes, finals.count or finals.seeds"
            )
    if sweep.total_minutes is None or has_length:
        return sweep
    longer = (sweep.finals.minutes or 0) * sweep.final_trainings
    shares = TRIALS_IN_A_BUDGET * (sweep.folds or 1) + (0 if sweep.finals.minutes else sweep.final_trainings)
    minutes = (sweep.total_minutes * sweep.workers * (1 - RESERVED_SHARE) - longer) / shares
    if minutes <= 0:
        raise UserError(
            f"budget.total_minutes={sweep.total_minutes:g}: the finals alone ({sweep.final_trainings} trainings of "
            f"{sweep.finals.minutes:g} minutes) take longer; raise it, or lower finals.minutes, count or seeds"
        )
    return replace(sweep, overrides=[*sweep.overrides, f"budget.minutes={minutes * 0.95:.3g}"])
