"""Scores, errors and comparisons of labels as tables on standard output."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from asr.evaluation.tables import interval, interval_and_speed, print_line, print_paired_test
from asr.report.labels import ACCURACY, MACRO_F1, TOP5, UAR

SHOWN = 8  # confusions


def print_scores(metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """A line for each split of metrics.json that was scored, then further rates, what intervals rest on, the speed."""
    exact = [Column(title, no_wrap=True) for title in ("UAR", "95 %", "accuracy", "95 %", "utterances")]
    table = Table("split", *exact, box=SIMPLE_HEAD)
    scored = {split: values for split, values in metrics.items() if "uar" in values}
    for split, values in scored.items():
        rates = [text for name in ("uar", "accuracy") for text in (f"{values[name]:.2%}", interval(values, name))]
        table.add_row(split, *rates, str(values["utterances"]))
    Console().print(table)
    for split, values in scored.items():
        further = [
            f"{rate.title} {values[rate.name]:.2%} ({interval(values, rate.name)})"
            for rate in (MACRO_F1, TOP5)
            if rate.name in values
        ]
        print_line(f"{split}: {', '.join(further)}")
        print_line(interval_and_speed(split, values))


def print_confusions(errors: Mapping[str, Any]) -> None:
    """The most frequent confusions of a split of errors.json."""
    found = errors["labels"]["substitutions"][:SHOWN]
    table = Table("label → predicted", "times", box=SIMPLE_HEAD)
    for each in found:
        table.add_row(Text(f"{each['reference']} → {each['hypothesis']}"), str(each["count"]))
    if found:
        Console().print(table)


def print_comparison(comparison: Mapping[str, Any]) -> None:
    """What comparison.json says of unweighted average recalls."""
    print_paired_test(comparison, UAR, {})


def print_several(metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """A line for every label of each split whose rates are means over several."""
    for split, values in metrics.items():
        for name, scores in values.get("by_label", {}).items():
            rates = ", ".join(
                f"{rate.title} {scores[rate.name]:.2%} ({interval(scores, rate.name)})" for rate in (UAR, ACCURACY)
            )
            print_line(f"{split}, {name}: {rates}")
        if "all_right" in values:
            print_line(f"{split}: all labels right {values['all_right']:.2%}")
