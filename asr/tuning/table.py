"""The trials of a study side by side, as Markdown and CSV; and what came of it, in words."""

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

from asr.tasks.transcribe.scoring.wer import OTHER_RATE
from asr.tuning.live import rate_of, seconds_of, values_of
from asr.tuning.trials import STATES
from asr.writing import write_whole

BEST = 25  # trials that are printed at the end
LONGEST_REASON = 120  # characters; the whole one is in report.html
COLUMNS = ("95 % interval", "parameters", "trained s", "epochs", "ended")


def write_table(trials: Sequence[FrozenTrial], folder: Path, rate: str) -> None:
    """results.md and results.csv: a line a trial, those that were finished first, the best first."""
    ours, other = rate.upper(), OTHER_RATE[rate].upper()
    ended = [trial for trial in trials if trial.state.is_finished()]
    ended.sort(key=lambda trial: (trial.state != TrialState.COMPLETE, trial.values or [], trial.number))
    points = [by_key(trial) for trial in ended]
    keys = list(dict.fromkeys(key for point in points for key in point))
    head = ["trial", *keys, f"dev {ours} %", f"dev {other} %", f"test {ours} %", *COLUMNS]
    rows = [
        [str(trial.number), *(shown(point.get(key, "")) for key in keys), *cells(trial, rate)]
        for trial, point in zip(ended, points, strict=True)
    ]
    markdown = "".join("| " + " | ".join(line) + " |\n" for line in (head, ["---"] * len(head), *rows))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([head, *rows])
    write_whole(folder / "results.md", markdown)
    write_whole(folder / "results.csv", text.getvalue())


def by_key(trial: FrozenTrial) -> dict[str, Any]:
    """A trial's parameters by their keys of train.py: of the spaces of several choices, one is its own."""
    return {name.split(" (")[0]: value for name, value in trial.params.items()}


def cells(trial: FrozenTrial, rate: str) -> list[str]:
    metrics: Mapping[str, Any] = trial.user_attrs.get("metrics", {})
    dev, test, fit = (metrics.get(part, {}) for part in ("dev", "test", "train"))
    low, high = test.get(f"{rate}_ci95", (None, None))
    ended = STATES[trial.state]
    reason = shorten(str(trial.user_attrs.get("reason", "")).replace("|", "/"), LONGEST_REASON)
    return [
        rate_of(trial, rate).removesuffix("%"),
        percent(dev.get(OTHER_RATE[rate])),
        percent(test.get(rate)),
        "" if low is None else f"{percent(low)} – {percent(high)}",
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


def percent(rate: float | None) -> str:
    return "" if rate is None else f"{100 * rate:.2f}"


def shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def print_best(trials: Sequence[FrozenTrial], rate: str) -> None:
    """The best trials on standard output."""
    done = sorted((t for t in trials if t.state == TrialState.COMPLETE), key=lambda trial: trial.values)
    rates = f"dev {rate.upper()}", f"test {rate.upper()}"
    table = Table("trial", *rates, "parameters", Column("values", overflow="fold"), box=SIMPLE_HEAD)
    for trial in done[:BEST]:
        metrics = trial.user_attrs.get("metrics", {})
        test = metrics.get("test", {}).get(rate)
        count = metrics.get("train", {}).get("parameters")
        numbers = "" if test is None else f"{test:.2%}", "" if count is None else f"{count:,.0f}"
        table.add_row(str(trial.number), rate_of(trial, rate), *numbers, Text(values_of(trial)))
    Console().print(table)


def print_summary(summary: Mapping[str, Any], folder: Path) -> None:
    """The winner, how sure it is, and where everything lies."""
    winner, rate = summary["winner"], summary["rate"]
    print(f"winner: {winner['label']}, {' '.join(map(rounded, winner['overrides'])) or 'nothing changed'}")
    for ranked in summary["finals"]:
        low, high = ranked["dev_ci95"] or (None, None)
        interval = "" if low is None else f" ({percent(low)} – {percent(high)})"
        each = ", ".join(percent(value) for value in ranked["dev_each"])
        print(f"  {ranked['label']:24} dev {rate.upper()} {percent(ranked['dev'])} %{interval}; each seed {each}")
    for name, tested in summary["against"].items():
        if "bootstrap_p" in tested:
            low, high = tested["difference_ci95"]
            difference = f"{percent(tested['difference'])} points ({percent(low)} to {percent(high)})"
            tests = f"bootstrap p {tested['bootstrap_p']:.3g}, matched pairs p {tested['mapsswe']['p']:.3g}"
            print(f"against {name.replace('_', ' ')}, on dev: {difference}, {tests}")
    test = winner["metrics"]["test"]
    low, high = map(percent, test[f"{rate}_ci95"])
    print(f"test {rate.upper()} of the winner: {percent(test[rate])} % ({low} – {high})")
    print(f"all trials: {folder / 'results.md'}")
    print(f"its model: {Path(winner['folder']) / 'model'}")
    print(f"as an experiment, to copy to conf/experiment/: {folder / 'winner.yaml'}")
