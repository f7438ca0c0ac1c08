"""Trials as a report counts, names and lists them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from asr.report.numbers import NONE, clock, count, is_number, percent
from asr.report.page import render
from asr.report.sweep.objectives import Objective
from asr.screen import as_text
from asr.task import Rate
from asr.tuning.pruning import RUNGS
from asr.tuning.trials import STATES, dev_rate

NEARLY_ALL = 0.9  # of the trials have come as far as where they are compared
MOST_COLUMNS = 8  # of parameters; further ones share a column


def finished_trials(trials: Sequence[FrozenTrial], objectives: Sequence[Objective]) -> list[FrozenTrial]:
    """Those with a result, the best first; with several objectives by the first. objectives: what their values are."""

    def costs(trial: FrozenTrial) -> list[float]:
        return [objective.cost(value) for objective, value in zip(objectives, trial.values, strict=True)]

    found = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    return sorted(found, key=lambda trial: (costs(trial), trial.number))


def early_on(trials: Sequence[FrozenTrial]) -> tuple[list[FrozenTrial], float]:
    """Where some were pruned, which takes one objective: nearly all, by their dev rate after a share of the budget."""
    begun = [
        trial
        for trial in trials
        if trial.intermediate_values and trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    ]
    if all(trial.state == TrialState.COMPLETE for trial in begun):
        return [], 0.0
    reached = sorted((max(trial.intermediate_values) for trial in begun), reverse=True)
    rung = reached[int(NEARLY_ALL * (len(begun) - 1))]
    found = [
        create_trial(params=trial.params, distributions=trial.distributions, value=at_rung(trial, rung))
        for trial in begun
        if max(trial.intermediate_values) >= rung
    ]
    return found, rung / RUNGS


def at_rung(trial: FrozenTrial, rung: int) -> float:
    """What it had been told to be when it came there."""
    values = trial.intermediate_values
    return values[max((each for each in values if each <= rung), default=min(values))]


def shared(trials: Sequence[FrozenTrial]) -> list[str]:
    """Parameters that all of them have, in the order of the search."""
    known = [trial.params for trial in trials if trial.params]
    return [name for name in known[0] if all(name in params for params in known)] if known else []


def choices(trials: Sequence[FrozenTrial]) -> dict[str, list[object]]:
    """The categorical parameters that all have, and their values; first those that others depend on."""
    found: dict[str, list[object]] = {}
    for name in shared(trials):
        distribution = next(trial.distributions[name] for trial in trials if name in trial.distributions)
        if isinstance(distribution, CategoricalDistribution) and len(distribution.choices) > 1:
            found[name] = list(distribution.choices)
    return dict(sorted(found.items(), key=lambda item: not depending(trials, item[0])))


def depending(trials: Sequence[FrozenTrial], name: str) -> bool:
    """Whether which parameters a trial has goes by the value of this one."""
    every = set(shared(trials))
    values = dict.fromkeys(trial.params[name] for trial in trials if name in trial.params)
    return any(set(shared(with_value(trials, name, value))) - every for value in values)


def with_value(trials: Sequence[FrozenTrial], name: str, value: object) -> list[FrozenTrial]:
    return [trial for trial in trials if name in trial.params and trial.params[name] == value]


def written(trial: FrozenTrial, names: Sequence[str] | None = None) -> str:
    """Parameters by their keys, as a line; names: those that are wanted."""
    wanted = {name: value for name, value in trial.params.items() if names is None or name in names}
    return ", ".join(f"{name.split(' (')[0]} = {as_text(value)}" for name, value in wanted.items())


def parameters(trial: FrozenTrial) -> int | None:
    """The size of its model; of folds, which may differ, the mean."""
    found = trial.user_attrs.get("metrics", {}).get("train", {}).get("parameters")
    return round(found) if is_number(found) else None


def trained_s(trial: FrozenTrial) -> float | None:
    found = trial.user_attrs.get("trained_s")
    return found if is_number(found) else None


def link(folder: Path, target: Path) -> str:
    """The relative address of a file or folder below `folder`, of its report where it has one; empty where none is."""
    target = target / "report.html" if (target / "report.html").is_file() else target
    if not target.exists() or not target.resolve().is_relative_to(folder.resolve()):
        return ""
    return quote(os.path.relpath(target.resolve(), folder.resolve())) + ("/" if target.is_dir() else "")


def table(trials: Sequence[FrozenTrial], objectives: Sequence[Objective], rate: Rate, folder: Path) -> Markup:
    """Every trial with its parameters, for the page's script to sort and filter."""
    begun = [trial for trial in trials if trial.state != TrialState.WAITING]
    if not begun:
        return Markup()
    columns = shared(begun)[:MOST_COLUMNS]
    numbers = {name for name in columns if all(is_number(each.params[name]) for each in begun if name in each.params)}
    further = any(set(trial.params) - set(columns) for trial in begun)
    more = [each for each in objectives if each.key not in (rate.name, "parameters", "seconds")]
    head = [f"#Dev {rate.title}", *(f"#{each.title}" for each in more), "#Parameters", "#Trained"]
    head += [f"#{name}" if name in numbers else name for name in columns] + ["Further parameters"] * further
    ordered = finished_trials(begun, objectives) + [trial for trial in begun if trial.state != TrialState.COMPLETE]
    rows = []
    for trial in ordered:
        values = dict(zip((each.key for each in objectives), trial.values or (), strict=False))
        cells = [number_cell(dev_rate(trial, rate.name), percent)]
        cells += [number_cell(values.get(each.key), "{:.4g}".format) for each in more]
        cells += [number_cell(parameters(trial), count), number_cell(trained_s(trial), clock)]
        cells += [(number_cell if name in numbers else text_cell)(trial.params.get(name), as_text) for name in columns]
        cells += [text_cell(written(trial, [name for name in trial.params if name not in columns]), str)] * further
        rows.append(
            {
                "number": trial.number,
                "target": link(folder, folder / "trials" / f"{trial.number:04d}"),
                "state": STATES[trial.state],
                "reason": reason(trial),
                "cells": cells,
            }
        )
    states = [word for state, word in STATES.items() if any(trial.state == state for trial in begun)]
    return render("sweep_trials.html", columns=["Trial", "State", *head], rows=rows, states=states)


def reason(trial: FrozenTrial) -> str:
    """Why a trial ended as it did, or where it comes from."""
    taken_over = "taken over from an earlier study" if "from" in trial.user_attrs else ""
    return str(trial.user_attrs.get("reason", taken_over))


Cell = tuple[str, str, float | None]  # kind, text, and the value that numbers are sorted by


def text_cell(value: object, write: Callable[[Any], str]) -> Cell:
    return "text", "" if value is None else write(value), None


def number_cell(value: object, write: Callable[[Any], str]) -> Cell:
    return ("number", write(value), value) if is_number(value) else ("number", NONE, None)
