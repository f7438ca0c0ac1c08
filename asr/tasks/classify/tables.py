"""Scores, errors and comparisons of labels as tables on standard output."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from asr.evaluation.bootstrap import FEW_UNITS

SHOWN = 8  # confusions
LEVEL = 0.05


def print_scores(metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """A line for each split of metrics.json that was scored, then what its interval rests on and how fast it went."""
    exact = [Column(title, no_wrap=True) for title in ("UAR", "95 %", "accuracy", "95 %", "utterances")]
    table = Table("split", *exact, box=SIMPLE_HEAD)
    scored = {split: values for split, values in metrics.items() if "uar" in values}
    for split, values in scored.items():
        rates = [text for name in ("uar", "accuracy") for text in (f"{values[name]:.2%}", interval(values, name))]
        table.add_row(split, *rates, str(values["utterances"]))
    Console().print(table)
    for split, values in scored.items():
        units = f"{values['interval_units']} {values['interval_over']}"
        doubt = ", too few to trust" if values["interval_units"] < FEW_UNITS else ""
        doubt = ": it holds for these speakers alone" if values["interval_over"] == "utterances" else doubt
        speed = f"{values['real_time_factor']:.4f} × real time, {1000 * values['latency_s']:.0f} ms for one alone"
        print_line(f"{split}: interval over {units}{doubt}; {speed} ({values['device']}, {values['threads']} threads)")


def interval(values: Mapping[str, Any], name: str) -> str:
    low, high = values[f"{name}_ci95"]
    return f"{100 * low:.2f} – {high:.2%}"


def print_confusions(errors: Mapping[str, Any]) -> None:
    """The most frequent confusions of a split of errors.json."""
    found = errors["labels"]["substitutions"][:SHOWN]
    table = Table("label → predicted", "times", box=SIMPLE_HEAD)
    for each in found:
        table.add_row(Text(f"{each['reference']} → {each['hypothesis']}"), str(each["count"]))
    if found:
        Console().print(table)


def print_comparison(comparison: Mapping[str, Any]) -> None:
    """What comparison.json says: both UARs, their difference, the test, and what it would take to know."""
    over = f"{comparison['bootstrap_units']} {comparison['bootstrap_over']}"
    points = (100 * number for number in (comparison["difference"], *comparison["difference_ci95"]))
    p, needed = comparison["bootstrap_p"], comparison["utterances_for_power_80"]
    table = Table(show_header=False, box=SIMPLE_HEAD)
    table.add_row(Text(f"UAR of {comparison['run']}"), f"{comparison['uar']:.2%}")
    table.add_row(Text(f"UAR of {comparison['against']}"), f"{comparison['uar_against']:.2%}")
    table.add_row("difference (95 %)", "{:+.2f} points ({:+.2f} to {:+.2f})".format(*points))
    table.add_row(f"paired bootstrap over {over}", f"p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}")
    table.add_row(
        "utterances to tell this with 80 % power", f"{needed} ({comparison['utterances']} here)" if needed else "–"
    )
    Console().print(table)
    print_line(verdict(comparison["difference"], p))


def verdict(difference: float, p: float) -> str:
    if p < LEVEL:
        return f"{'better' if difference > 0 else 'worse'}: more than chance explains"
    return "no difference" if difference == 0 else "not told apart: chance explains a difference such as this"


def print_line(line: str) -> None:
    Console().print(line, soft_wrap=True, highlight=False, markup=False)
