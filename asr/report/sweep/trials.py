"""Trials as a report counts, names and lists them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from asr.report import page
from asr.report.numbers import NONE, clock, count, is_number, percent
from asr.screen import as_text
from asr.tuning.pruning import RUNGS
from asr.tuning.trials import STATES, dev_rate

NAMES = {  # of objectives
    "wer": "dev WER",
    "cer": "dev CER",
    "parameters": "parameters",
    "seconds": "seconds of training",
    "real_time_factor": "real-time factor",
}
MOST = 0.9  # of the trials have come as far as where they are compared
MOST_COLUMNS = 8  # of parameters; further ones share a column


def done(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Those with a result, the best first; with several objectives by the first."""
    found = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    return sorted(found, key=lambda trial: (trial.values, trial.number))


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
    rung = reached[int(MOST * (len(begun) - 1))]
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


def link(folder: Path, target: Path, text: str) -> str:
    """HTML: a relative link to a file or folder below `folder`, to its report where it has one; text otherwise."""
    target = target / "report.html" if (target / "report.html").is_file() else target
    inside = target.resolve().is_relative_to(folder.resolve()) and target.exists()
    where = quote(os.path.relpath(target.resolve(), folder.resolve())) + ("/" if target.is_dir() else "")
    return f'<a href="{page.escape(where)}">{page.escape(text)}</a>' if inside else page.escape(text)


def table(trials: Sequence[FrozenTrial], objectives: Sequence[str], rate: str, folder: Path) -> str:
    """HTML: every trial with its parameters, for the page's script to sort and filter."""
    begun = [trial for trial in trials if trial.state != TrialState.WAITING]
    if not begun:
        return ""
    columns = shared(begun)[:MOST_COLUMNS]
    numbers = {name for name in columns if all(is_number(each.params[name]) for each in begun if name in each.params)}
    further = any(set(trial.params) - set(columns) for trial in begun)
    more = [name for name in objectives if name not in (rate, "parameters", "seconds")]
    head = ["Trial", "State", f"#Dev {rate.upper()}", *(f"#{NAMES[name]}" for name in more), "#Parameters", "#Trained"]
    head += [f"#{name}" if name in numbers else name for name in columns] + ["Further parameters"] * further
    ordered = done(begun) + [trial for trial in begun if trial.state != TrialState.COMPLETE]
    rows = []
    for trial in ordered:
        values = dict(zip(objectives, trial.values or (), strict=False))
        cells = [place_of(trial, folder), state_of(trial), number(dev_rate(trial, rate), percent)]
        cells += [number(values.get(name), "{:.4g}".format) for name in more]
        cells += [number(parameters(trial), count), number(trained_s(trial), clock)]
        cells += [(number if name in numbers else cell)(trial.params.get(name), as_text) for name in columns]
        cells += [cell(written(trial, [name for name in trial.params if name not in columns]), str)] * further
        rows.append(f'<tr data-state="{STATES[trial.state]}">{"".join(cells)}</tr>')
    return filters(begun) + sortable("Trials", head, rows)


def reason(trial: FrozenTrial) -> str:
    taken_over = "taken over from an earlier study" if "from" in trial.user_attrs else ""
    return str(trial.user_attrs.get("reason", taken_over))


def place_of(trial: FrozenTrial, folder: Path) -> str:
    """Its number, leading to its run."""
    run = folder / "trials" / f"{trial.number:04d}"
    return f'<th scope="row" data-value="{trial.number}">{link(folder, run, str(trial.number))}</th>'


def state_of(trial: FrozenTrial) -> str:
    """What became of it, and why."""
    why = f'<br><span class="soft">{page.escape(reason(trial))}</span>' if reason(trial) else ""
    return f'<td dir="auto">{STATES[trial.state]}{why}</td>'


def cell(value: object, shown: Callable[[Any], str]) -> str:
    return f'<td dir="auto">{"" if value is None else page.escape(shown(value))}</td>'


def number(value: object, shown: Callable[[Any], str]) -> str:
    if not is_number(value):
        return f'<td class="number">{NONE}</td>'
    return f'<td class="number"{page.attributes({"value": value})}>{shown(value)}</td>'


def sortable(title: str, columns: Sequence[str], rows: Sequence[str]) -> str:
    """A table with a caption, whose columns the page's script sorts by; columns that begin with # hold numbers."""
    head = "".join(
        f'<th scope="col"{" class=number" if column.startswith("#") else ""}>{page.escape(column.lstrip("#"))}</th>'
        for column in columns
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{page.escape(title)}"><table class="sortable">'
        f'<caption class="unseen">{page.escape(title)}; a button in the head of each column sorts by it</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def filters(trials: Sequence[FrozenTrial]) -> str:
    """What the table is filtered by, and where the page's script says how many are left."""
    states = [word for state, word in STATES.items() if any(trial.state == state for trial in trials)]
    options = "".join(f"<option>{word}</option>" for word in states)
    return (
        '<form class="filters" id="trial-filters" hidden><label class="search">Text<input name="search" type="search"'
        ' autocomplete="off"></label><label>State<select name="state"><option value="">all</option>'
        f'{options}</select></label></form><p class="soft" id="trials-told" role="status"></p>'
    )
