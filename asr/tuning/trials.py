"""The trials of a search and the trainings of its finals, each a run folder of its own."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any, Protocol

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from asr.errors import Infeasible, one_line
from asr.report.numbers import is_number
from asr.tuning.pruning import RUNGS, Reports
from asr.tuning.sweep import OBJECTIVES, Clock, Sweep

STATES = {  # as a person reads them
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
KEPT = ("wer", "wer_ci95", "cer", "cer_ci95", "words", "utterances", "real_time_factor", "latency_s")  # of a split


class Train(Protocol):
    """Trains with overrides of train.py and returns what metrics.json holds: of dev, and of test where asked for."""

    def __call__(self, overrides: Sequence[str], folder: Path, reports: Reports, test: bool) -> Mapping[str, Any]: ...


def explore(sweep: Sweep, clock: Clock, train: Train) -> Callable[[Trial], list[float]]:
    """What runs a trial of the search: the sampler's configuration trained, or trained on every fold in turn."""

    def run(trial: Trial) -> list[float]:
        chosen = sweep.space.suggest(trial)
        folder = sweep.folder / "trials" / f"{trial.number:04d}"
        note(trial, overrides=chosen, folder=str(folder))
        others = trial.study.get_trials(deepcopy=False)
        until = clock.trials_until(others)
        found = []
        for fold in range(1, (sweep.folds or 1) + 1):
            folded = [f"data.folds={sweep.folds}", f"data.fold={fold}"] if sweep.folds else []
            place = folder / f"fold-{fold}" if sweep.folds else folder
            reports = Reports(trial, sweep.rate, until, at_rungs=not sweep.folds)
            with timed(trial, reports), constrained(trial):
                found.append(kept(train([*sweep.overrides, *chosen, *folded], place, reports, sweep.test_all)))
            if sweep.folds:
                note(trial, folds=list(found))
                prune_after_fold(trial, found, sweep.folds, sweep.rate)
        metrics = averaged(found)
        note(trial, metrics=metrics)
        return values_of(metrics, sweep.objectives)

    return run


def prune_after_fold(trial: Trial, found: Sequence[Mapping], folds: int, rate: str) -> None:
    """Tell the study the mean of the folds so far; TrialPruned where that promises nothing."""
    if len(trial.study.directions) > 1:
        return
    value = averaged(found)["dev"][rate]
    trial.report(value, RUNGS * len(found) // folds)
    if len(found) < folds and trial.should_prune():
        raise optuna.TrialPruned(f"dev {rate.upper()} {value:.1%} after {len(found)} of {folds} folds")


def kept(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The part of metrics.json that a study keeps."""
    splits = {split: {key: metrics[split][key] for key in KEPT} for split in ("dev", "test") if split in metrics}
    return splits | {"train": metrics["train"]}


def averaged(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The means over folds, of what there is one number of; one fold as it is."""
    if len(found) == 1:
        return dict(found[0])
    return {
        part: {key: mean(each[part][key] for each in found) for key, value in figures.items() if is_number(value)}
        for part, figures in found[0].items()
    }


def values_of(metrics: Mapping[str, Any], objectives: Sequence[str]) -> list[float]:
    return [metrics[part][key] for part, key in (OBJECTIVES[name] for name in objectives)]


def dev_of(trial: FrozenTrial) -> Mapping[str, Any]:
    """What a trial keeps of its metrics on dev; nothing where it did not come to its end."""
    return trial.user_attrs.get("metrics", {}).get("dev", {})


def dev_rate(trial: FrozenTrial, rate: str) -> float | None:
    """The WER or CER of a trial on dev, or the latest of one that did not come to its end, as a fraction."""
    found = dev_of(trial).get(rate)
    if found is None and trial.intermediate_values:
        found = trial.intermediate_values[max(trial.intermediate_values)]
    return found if is_number(found) else None


def note(trial: Trial, **attributes: Any) -> None:
    """Keep something with a trial, where it is not kept already."""
    for name, value in attributes.items():
        if trial.user_attrs.get(name) != value:
            trial.set_user_attr(name, value)


@contextmanager
def constrained(trial: Trial) -> Iterator[None]:
    """Have the sampler keep away from what the data cannot be aligned with; such a trial is pruned."""
    try:
        yield
    except Infeasible as infeasible:
        trial.set_constraint("enough frames for CTC", 1.0)
        raise optuna.TrialPruned(one_line(infeasible)) from infeasible


@contextmanager
def timed(trial: Trial, reports: Reports) -> Iterator[None]:
    """Keep how long a trial has trained, however its training ends."""
    try:
        yield
    finally:
        note(trial, trained_s=round(trial.user_attrs.get("trained_s", 0.0) + reports.trained_s, 1))


def progress_of(folder: Path) -> Callable[[FrozenTrial], str]:
    """How far a trial below `folder` has come: its newest checkpoint or result."""

    def progress(trial: FrozenTrial) -> str:
        place = folder / f"{trial.number:04d}"
        marks = [*place.rglob("last.ckpt"), *place.rglob("metrics.json")]
        return json.dumps(sorted([str(mark.relative_to(place)), mark.stat().st_mtime_ns] for mark in marks))

    return progress
