"""Trials as measurements: the best first; parts of one measurement pooled, and conditions side by side in a table.

A sweep's `beside`, such as data.split_by, is a condition and no choice: its first value alone decides what is best. Its
`pooled`, such as data.test_fold and seed, are parts of one measurement, whose lines are scored together.
"""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from statistics import mean
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from asr.screen import as_text, percent
from asr.tuning.judge import Judge, Line
from asr.tuning.sweep import Sweep
from asr.writing import write_whole

TABLE = "side_by_side.md"


def key_of(name: str) -> str:
    """The key of train.py that a parameter sets: of the spaces of several choices, one is its own."""
    return name.split(" (")[0]


def best_first(sweep: Sweep, study: optuna.Study, from_earlier: bool = True) -> list[FrozenTrial]:
    """Finished trials by their first objective, each point once; with several objectives those of the front first.

    from_earlier: with those that were taken over from another study.
    """
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    finished = [trial for trial in finished if from_earlier or "from" not in trial.user_attrs]
    finished = [trial for trial in finished if condition_of(sweep, trial) == first_condition(sweep, trial)]
    front = {trial.number for trial in study.best_trials} if len(sweep.objectives) > 1 and finished else set()
    costs = {trial.number: sweep.costs(trial.values) for trial in finished}
    parts = grouped(finished, sweep.pooled)
    whole = {point: [mean(each) for each in zip(*(costs[trial.number] for trial in some), strict=True)]
             for point, some in parts.items()}  # fmt: skip
    finished.sort(
        key=lambda trial: (
            trial.number not in front,
            whole[point_without(trial, sweep.pooled)],
            costs[trial.number],
            trial.number,
        )
    )
    return list({tuple(sorted(trial.params.items(), key=str)): trial for trial in reversed(finished)}.values())[::-1]


def point_without(trial: FrozenTrial, keys: Sequence[str]) -> Hashable:
    """A trial's parameters but for those that set these keys."""
    return tuple(sorted(((name, str(value)) for name, value in trial.params.items() if key_of(name) not in keys)))


def grouped(trials: Sequence[FrozenTrial], keys: Sequence[str]) -> dict[Hashable, list[FrozenTrial]]:
    """Trials that differ in nothing but these keys."""
    found: dict[Hashable, list[FrozenTrial]] = {}
    for trial in trials:
        found.setdefault(point_without(trial, keys), []).append(trial)
    return found


def condition_of(sweep: Sweep, trial: FrozenTrial) -> Any:
    """The value of what stands side by side; None where nothing does."""
    return next((value for name, value in trial.params.items() if key_of(name) == sweep.beside), None)


def first_condition(sweep: Sweep, trial: FrozenTrial) -> Any:
    """The value of it that decides: the first."""
    return conditions(sweep, [trial])[0]


def conditions(sweep: Sweep, trials: Sequence[FrozenTrial]) -> list[Any]:
    """All values of it, in the order of the search; [None] where nothing stands side by side."""
    spaces = (space for trial in trials for name, space in trial.distributions.items() if key_of(name) == sweep.beside)
    return list(next((space.choices for space in spaces if isinstance(space, CategoricalDistribution)), [None]))


@dataclass(frozen=True)
class Measurement:
    """The rate on test of trials that are parts of one; ci95: None where it cannot be told. parts: how many."""

    rate: float
    ci95: Sequence[float] | None
    parts: int
    utterances: int


@dataclass(frozen=True)
class Row:
    """A configuration, and what was measured under every condition."""

    name: str
    cells: Mapping[Any, Measurement]


def rows_of(sweep: Sweep, trials: Sequence[FrozenTrial], judge: Judge) -> list[Row]:
    """A row a configuration, the best under the first condition first; none where nothing is pooled or side by side."""
    finished = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if not finished or (sweep.beside is None and not any(has_key(finished, key) for key in sweep.pooled)):
        return []
    aside = [*sweep.pooled, *filter(None, [sweep.beside])]
    columns, rows = conditions(sweep, finished), []
    for some in grouped(finished, aside).values():
        cells = {}
        for condition in columns:
            found = measured(sweep, [trial for trial in some if condition_of(sweep, trial) == condition], judge)
            if found is not None:
                cells[condition] = found
        if cells:
            rows.append(Row(name_of(some[0], finished, aside), cells))
    return sorted(
        rows, key=lambda row: (columns[0] not in row.cells, sweep.rate.cost(next(iter(row.cells.values())).rate))
    )


def name_of(trial: FrozenTrial, trials: Sequence[FrozenTrial], aside: Sequence[str]) -> str:
    """What tells it apart: its parameters but for those of these keys, and those that are the same in all trials."""
    params = {key_of(name): value for name, value in trial.params.items() if key_of(name) not in aside}
    points = [{key_of(name): value for name, value in each.params.items()} for each in trials]
    differ = {key for key in params if len({str(point.get(key)) for point in points}) > 1}
    return ", ".join(f"{key}={as_text(value)}" for key, value in params.items() if key in differ) or "as configured"


def has_key(trials: Sequence[FrozenTrial], key: str) -> bool:
    return any(key_of(name) == key for trial in trials for name in trial.params)


def measured(sweep: Sweep, parts: Sequence[FrozenTrial], judge: Judge) -> Measurement | None:
    """The test lines of several trials scored as one; None where there are none, as without test=all."""
    lines = [line for trial in parts for line in lines_of(Path(str(trial.user_attrs.get("folder", ""))), "test")]
    if not lines:
        return None
    scores, _ = judge.score_lines(lines, 0)
    return Measurement(
        scores[sweep.rate.name], scores.get(f"{sweep.rate.name}_ci95"), len(parts), len({line["id"] for line in lines})
    )


def lines_of(folder: Path, split: str) -> list[Line]:
    """A split's part of a run's hypotheses; none where the run is on another machine, of folds, or not scored on it."""
    file = folder / "hypotheses.jsonl"
    lines = map(json.loads, filter(None, file.read_text("utf-8").split("\n"))) if file.is_file() else ()
    return [line for line in lines if line["split"] == split]


def side_by_side(sweep: Sweep, trials: Sequence[FrozenTrial], judge: Judge) -> dict[str, Any] | None:
    """What summary.json holds of it; None where nothing is pooled or stands side by side."""
    rows, columns = rows_of(sweep, trials, judge), conditions(sweep, trials)
    if not rows:
        return None
    return {
        "rate": sweep.rate.title,
        "conditions": [f"{sweep.beside}={as_text(each)}" if sweep.beside else "test" for each in columns],
        "rows": [
            {"configuration": row.name, "measured": [as_values(row.cells.get(each)) for each in columns]}
            for row in rows
        ],
    }


def as_values(found: Measurement | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def as_table(found: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of what `side_by_side` found, as text: a rate and its interval for every condition."""
    head = ["configuration", *chain(*((f"{found['rate']}, {each}", "95 %") for each in found["conditions"]))]
    rows = [[row["configuration"], *chain(*map(texts_of, row["measured"]))] for row in found["rows"]]
    return [*head, "trainings", "utterances"], [
        [*cells, *counts_of(row["measured"])] for cells, row in zip(rows, found["rows"], strict=True)
    ]


def texts_of(measured: Mapping[str, Any] | None) -> tuple[str, str]:
    if measured is None:
        return "", ""
    ends = measured["ci95"]
    return percent(measured["rate"]), "" if ends is None else " – ".join(f"{100 * end:.1f}" for end in ends)


def counts_of(measured: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """Trainings and utterances: one number where they are the same under every condition."""
    there = [each for each in measured if each is not None]
    return [" / ".join(dict.fromkeys(str(each[key]) for each in there)) for key in ("parts", "utterances")]


def write_side_by_side(folder: Path, found: Mapping[str, Any]) -> None:
    """side_by_side.md in the sweep's folder."""
    head, rows = as_table(found)
    write_whole(folder / TABLE, "".join("| " + " | ".join(row) + " |\n" for row in (head, ["---"] * len(head), *rows)))
