"""The trials of a search, each a run folder of its own, and what a study keeps of them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any, Protocol

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from asr.errors import Infeasible, one_line
from asr.evaluation.numbers import is_number
from asr.task import Rate
from asr.tuning.pruning import RUNGS, StudyReporter, describe
from asr.tuning.sweep import Sweep, objective_places
from asr.tuning.time_budget import TimeBudget

STATES = {  # as a person reads them
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


class Train(Protocol):
    """Trains with overrides of train.py and returns what metrics.json holds: of dev, and of test where asked for."""

    def __call__(
        self, overrides: Sequence[str], folder: Path, reporter: StudyReporter, test: bool, /
    ) -> Mapping[str, Any]: ...


def search_runner(sweep: Sweep, budget: TimeBudget, train: Train) -> Callable[[Trial], list[float]]:
    """What runs a trial of the search: the sampler's configuration trained, or trained on every fold in turn."""

    def run(trial: Trial) -> list[float]:
        chosen = sweep.space.suggest(trial)
        folder = sweep.folder / "trials" / f"{trial.number:04d}"
        set_attributes(trial, overrides=chosen, folder=str(folder))
        until = budget.trials_until(trial.study.get_trials(deepcopy=False))
        found: list[Mapping[str, Any]] = []
        for fold in range(1, (sweep.folds or 1) + 1):
            part = [f"data.folds={sweep.folds}", f"data.fold={fold}"] if sweep.folds else []
            run_dir = folder / f"fold-{fold}" if sweep.folds else folder
            reporter = StudyReporter(trial, sweep.rate, until, at_rungs=not sweep.folds)
            with adding_training_time(trial, reporter), pruned_where_infeasible(trial):
                metrics = train([*sweep.overrides, *chosen, *part], run_dir, reporter, sweep.test_all)
            found.append(metrics_to_keep(metrics, sweep.rates))
            if sweep.folds:
                set_attributes(trial, folds=list(found))
                prune_after_fold(trial, found, sweep.folds, sweep.rate)
        means = averaged(found)
        set_attributes(trial, metrics=means)
        return sweep.values_of(means)

    return run


def prune_after_fold(trial: Trial, found: Sequence[Mapping[str, Any]], folds: int, rate: Rate) -> None:
    """Tell the study the mean of the folds so far; TrialPruned where the trial is unlikely to win."""
    if len(trial.study.directions) > 1:
        return
    value = averaged(found)["dev"][rate.name]
    trial.report(value, RUNGS * len(found) // folds)
    if len(found) < folds and trial.should_prune():
        raise optuna.TrialPruned(f"{describe(rate, value)} after {len(found)} of {folds} folds")


def metrics_to_keep(metrics: Mapping[str, Any], rates: Sequence[Rate]) -> dict[str, Any]:
    """The part of metrics.json that a study keeps: rates with their intervals, counts, and what can be an objective."""
    wanted = {key for part, key in objective_places(rates).values() if part == "dev"}
    wanted |= {f"{rate.name}_ci95" for rate in rates}

    def kept(split: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in split.items() if key in wanted or type(value) is int}

    splits = {split: kept(metrics[split]) for split in ("dev", "test") if split in metrics}
    return splits | {"train": metrics["train"]}


def averaged(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The means over folds, of what there is one number of; one fold as it is."""
    if len(found) == 1:
        return dict(found[0])
    return {
        part: {key: mean(each[part][key] for each in found) for key, value in figures.items() if is_number(value)}
        for part, figures in found[0].items()
    }


def dev_of(trial: FrozenTrial) -> Mapping[str, Any]:
    """What a trial keeps of its metrics on dev; nothing where it did not come to its end."""
    return trial.user_attrs.get("metrics", {}).get("dev", {})


def dev_rate(trial: FrozenTrial, name: str) -> float | None:
    """A rate of a trial on dev by its name; of one that did not come to its end, the latest that the study was told."""
    found = dev_of(trial).get(name)
    if found is None and trial.intermediate_values:
        found = trial.intermediate_values[max(trial.intermediate_values)]
    return found if is_number(found) else None


def set_attributes(trial: Trial, **attributes: Any) -> None:
    """Keep something with a trial, where it is not kept already."""
    for name, value in attributes.items():
        if trial.user_attrs.get(name) != value:
            trial.set_user_attr(name, value)


@contextmanager
def pruned_where_infeasible(trial: Trial) -> Iterator[None]:
    """Prune a trial whose model cannot learn the data's targets, and have the sampler keep away from such."""
    try:
        yield
    except Infeasible as infeasible:
        trial.set_constraint("the targets can be learnt", 1.0)
        raise optuna.TrialPruned(one_line(infeasible)) from infeasible


@contextmanager
def adding_training_time(trial: Trial, reporter: StudyReporter) -> Iterator[None]:
    """Keep how long a trial has trained, however its training ends."""
    try:
        yield
    finally:
        set_attributes(trial, trained_s=round(trial.user_attrs.get("trained_s", 0.0) + reporter.trained_s, 1))


def progress_in(folder: Path) -> Callable[[int], str]:
    """How far the trial of a number below `folder` has come: its newest checkpoint or result."""

    def progress(number: int) -> str:
        run_dir = folder / f"{number:04d}"
        marks = [*run_dir.rglob("last.ckpt"), *run_dir.rglob("metrics.json")]
        return json.dumps(sorted([str(mark.relative_to(run_dir)), mark.stat().st_mtime_ns] for mark in marks))

    return progress
