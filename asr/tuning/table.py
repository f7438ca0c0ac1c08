"""The trials of a study as Markdown and CSV; the best ones and the summary on standard output."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from asr.screen import as_text, percent
from asr.task import Rate
from asr.tuning.display import rate_of, seconds_of, values_of
from asr.tuning.side_by_side import TABLE, key_of, texts_of
from asr.tuning.sweep import Sweep
from asr.tuning.trials import STATES
from asr.writing import write_whole

BEST = 25  # trials that are printed at the end
LONGEST_REASON = 120  # characters; the whole one is in report.html
COLUMNS = ("95 % interval", "parameters", "trained s", "epochs", "ended")


def write_table(trials: Sequence[FrozenTrial], sweep: Sweep) -> None:
    """results.md and results.csv: a line a trial, those that were finished first, the best first."""
    ended = [trial for trial in trials if trial.state.is_finished()]
    ended.sort(key=lambda trial: (trial.state != TrialState.COMPLETE, costs(trial, sweep), trial.number))
    points = [by_key(trial) for trial in ended]
    keys = list(dict.fromkeys(key for point in points for key in point))
    ours, others = sweep.rate.title, [f"dev {rate.title} %" for rate in other_rates(sweep)]
    head = ["trial", *keys, f"dev {ours} %", *others, f"test {ours} %", *COLUMNS]
    rows = [
        [str(trial.number), *(as_text(point.get(key, "")) for key in keys), *cells(trial, sweep)]
        for trial, point in zip(ended, points, strict=True)
    ]
    markdown = "".join("| " + " | ".join(line) + " |\n" for line in (head, ["---"] * len(head), *rows))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([head, *rows])
    write_whole(sweep.folder / "results.md", markdown)
    write_whole(sweep.folder / "results.csv", text.getvalue())


def costs(trial: FrozenTrial, sweep: Sweep) -> list[float]:
    return sweep.costs(trial.values) if trial.values else []


def other_rates(sweep: Sweep) -> list[Rate]:
    return [rate for rate in sweep.rates if rate != sweep.rate]


def by_key(trial: FrozenTrial) -> dict[str, Any]:
    """A trial's parameters by their keys of train.py: of the spaces of several choices, one is its own."""
    return {key_of(name): value for name, value in trial.params.items()}


def cells(trial: FrozenTrial, sweep: Sweep) -> list[str]:
    metrics: Mapping[str, Any] = trial.user_attrs.get("metrics", {})
    dev, test, fit = (metrics.get(part, {}) for part in ("dev", "test", "train"))
    name = sweep.rate.name
    ended = STATES[trial.state]
    reason = shorten(str(trial.user_attrs.get("reason", "")).replace("|", "/"), LONGEST_REASON)
    return [
        rate_of(trial, sweep.rate).removesuffix("%"),
        *(in_percent(dev.get(rate.name)) for rate in other_rates(sweep)),
        in_percent(test.get(name)),
        interval(test.get(f"{name}_ci95")),
        f"{fit['parameters']:,.0f}" if "parameters" in fit else "",
        f"{trial.user_attrs.get('trained_s', seconds_of(trial)):.0f}",
        f"{fit['epochs']:.0f}" if "epochs" in fit else "",
        f"{ended}: {reason}" if reason else ended,
    ]


def rounded(override: str) -> str:
    """An override with its number in four figures."""
    key, _, value = override.partition("=")
    try:
        return f"{key}={float(value):.4g}"
    except ValueError:
        return override


def in_percent(rate: float | None) -> str:
    """Without the sign, which stands in the head of the column; empty where there is none."""
    return "" if rate is None else percent(rate).removesuffix("%")


def interval(ends: Sequence[float] | None, between: str = " – ") -> str:
    return "" if ends is None else between.join(map(in_percent, ends))


def print_best(trials: Sequence[FrozenTrial], sweep: Sweep) -> None:
    """The best trials on standard output."""
    rate = sweep.rate
    done = sorted((t for t in trials if t.state == TrialState.COMPLETE), key=lambda trial: costs(trial, sweep))
    rates = f"dev {rate.title}", f"test {rate.title}"
    table = Table("trial", *rates, "parameters", Column("values", overflow="fold"), box=SIMPLE_HEAD)
    for trial in done[:BEST]:
        metrics = trial.user_attrs.get("metrics", {})
        test = metrics.get("test", {}).get(rate.name)
        count = metrics.get("train", {}).get("parameters")
        numbers = "" if test is None else percent(test), "" if count is None else f"{count:,.0f}"
        table.add_row(str(trial.number), rate_of(trial, rate), *numbers, Text(values_of(trial)))
    Console().print(table)


def print_summary(summary: Mapping[str, Any], sweep: Sweep) -> None:
    """The winner, how sure it is, and where everything lies."""
    winner, rate = summary["winner"], sweep.rate
    print(f"winner: {winner['label']}, {' '.join(map(rounded, winner['overrides'])) or 'nothing changed'}")
    for ranked in summary["finals"]:
        each = ", ".join(map(in_percent, ranked["dev_each"]))
        of_mean = in_brackets(interval(ranked["dev_ci95"]))
        print(f"  {ranked['label']:24} dev {rate.title} {in_percent(ranked['dev'])} %{of_mean}; each seed {each}")
    for name, tested in summary["against"].items():
        if "bootstrap_p" in tested:
            print(f"against {name.replace('_', ' ')}, on dev: {difference(tested)}")
    if found := summary.get("side_by_side"):
        print_side_by_side(found)
        print(f"side by side, on test: {sweep.folder / TABLE}")
    test = winner["metrics"]["test"]
    of_test = in_brackets(interval(test.get(f"{rate.name}_ci95")))
    print(f"test {rate.title} of the winner: {in_percent(test[rate.name])} %{of_test}")
    print(f"all trials: {sweep.folder / 'results.md'}")
    print(f"its model: {Path(winner['folder']) / 'model'}")
    print(f"as an experiment, to copy to conf/experiment/: {sweep.folder / 'winner.yaml'}")


def print_side_by_side(found: Mapping[str, Any]) -> None:
    """A line a configuration, a column for what was measured under each condition."""
    titles = [
        Column(Text(f"{found['rate']}, {each.rpartition('.')[2]}"), overflow="fold") for each in found["conditions"]
    ]
    table = Table(Column("configuration", overflow="fold"), *titles, box=SIMPLE_HEAD)
    for row in found["rows"]:
        cells = [rate + in_brackets(between) for rate, between in map(texts_of, row["measured"])]
        table.add_row(Text(row["configuration"]), *cells)
    Console().print(table)


def in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def difference(tested: Mapping[str, Any]) -> str:
    """What paired tests say: the difference in points with its interval, and the p of every test."""
    points = f"{in_percent(tested['difference'])} points ({interval(tested['difference_ci95'], ' to ')})"
    p_values = {"bootstrap": tested["bootstrap_p"]}
    p_values |= {name: test["p"] for name, test in tested.items() if isinstance(test, Mapping) and "p" in test}
    return ", ".join([points, *(f"{name} p {p:.3g}" for name, p in p_values.items())])
