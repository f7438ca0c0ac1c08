"""What the scores and comparisons of every task have in common on standard output."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from asr.evaluation.bootstrap import FEW_UNITS
from asr.task import Rate

LEVEL = 0.05  # of significance


def print_line(line: str) -> None:
    """A line of results, never wrapped and never taken for markup."""
    Console().print(line, soft_wrap=True, highlight=False, markup=False)


def interval(values: Mapping[str, Any], name: str) -> str:
    """The 95 % interval of a rate: 3.10 – 5.40%."""
    low, high = values[f"{name}_ci95"]
    return f"{100 * low:.2f} – {high:.2%}"


def interval_and_speed(split: str, values: Mapping[str, Any]) -> str:
    """What the intervals of a split rest on, and how fast the model was where that is known."""
    units = f"{values['interval_units']} {values['interval_over']}"
    doubt = ", too few to trust" if values["interval_units"] < FEW_UNITS else ""
    if values["interval_over"] == "utterances":
        doubt = ": it holds for these speakers alone"
    return f"{split}: interval over {units}{doubt}{speed(values)}"


def speed(values: Mapping[str, Any]) -> str:
    if "real_time_factor" not in values:
        return ""
    alone = f"{1000 * values['latency_s']:.0f} ms for an utterance alone"
    return f"; {values['real_time_factor']:.4f} × real time, {alone} ({values['device']}, {values['threads']} threads)"


def print_paired_test(comparison: Mapping[str, Any], rate: Rate, further_tests: Mapping[str, str]) -> None:
    """What comparison.json holds: the rate of both models, its difference, the tests, the utterances still needed.

    further_tests: the results of tests beside the bootstrap, in words, by their titles.
    """
    units = f"{comparison['bootstrap_units']} {comparison['bootstrap_over']}"
    points = (100 * number for number in (comparison["difference"], *comparison["difference_ci95"]))
    needed = comparison["utterances_for_power_80"]
    table = Table(show_header=False, box=SIMPLE_HEAD)
    table.add_row(Text(f"{rate.title} of {comparison['run']}"), f"{comparison[rate.name]:.2%}")
    table.add_row(Text(f"{rate.title} of {comparison['against']}"), f"{comparison[f'{rate.name}_against']:.2%}")
    table.add_row("difference (95 %)", "{:+.2f} points ({:+.2f} to {:+.2f})".format(*points))
    table.add_row(f"paired bootstrap over {units}", p_value(comparison["bootstrap_p"]))
    for title, result in further_tests.items():
        table.add_row(title, result)
    table.add_row(
        "utterances to tell this with 80 % power", f"{needed} ({comparison['utterances']} here)" if needed else "–"
    )
    Console().print(table)
    print_line(verdict(rate.cost(comparison["difference"]), comparison["bootstrap_p"]))


def p_value(p: float) -> str:
    return f"p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"


def verdict(difference: float, p: float) -> str:
    """What a paired bootstrap says of a difference; below 0 is better."""
    if p < LEVEL:
        return f"{'better' if difference < 0 else 'worse'}: more than chance explains"
    return "no difference" if difference == 0 else "not told apart: chance explains a difference such as this"
