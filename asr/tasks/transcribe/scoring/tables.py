"""Scores, errors and comparisons as tables on standard output."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from asr.evaluation.bootstrap import FEW_UNITS

SHOWN = 8  # of the most frequent errors of each kind
LEVEL = 0.05


def print_scores(metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """A line for each split of metrics.json that was scored, then what its interval rests on and how fast it went."""
    columns = "split", "WER", Column("95 %", no_wrap=True), "CER", "words", "sub", "del", "ins", "utterances"
    table = Table(*columns, box=SIMPLE_HEAD)
    scored = {split: values for split, values in metrics.items() if "wer" in values}
    for split, values in scored.items():
        low, high = values["wer_ci95"]
        counts = (values[key] for key in ("words", "substitutions", "deletions", "insertions", "utterances"))
        rates = f"{values['wer']:.2%}", f"{100 * low:.2f} – {high:.2%}", f"{values['cer']:.2%}"
        table.add_row(split, *rates, *map(str, counts))
    Console().print(table)
    for split, values in scored.items():
        units = f"{values['interval_units']} {values['interval_over']}"
        doubt = ", too few to trust" if values["interval_units"] < FEW_UNITS else ""
        if values["interval_over"] == "utterances":
            doubt = ": it holds for these speakers alone"
        print_line(f"{split}: interval over {units}{doubt}{_speed(values)}")


def _speed(values: Mapping[str, Any]) -> str:
    if "real_time_factor" not in values:
        return ""
    alone = f"{1000 * values['latency_s']:.0f} ms for an utterance alone"
    return f"; {values['real_time_factor']:.4f} × real time, {alone} ({values['device']}, {values['threads']} threads)"


def print_errors(errors: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> None:
    """The most frequent errors of a split of errors.json."""
    words, characters = errors["words"], errors["characters"]
    kinds = {
        "word → heard": words["substitutions"],
        "deleted": words["deletions"],
        "inserted": words["insertions"],
        "character → heard": [*characters["substitutions"], *characters["deletions"], *characters["insertions"]],
    }
    columns = [sorted(found, key=lambda each: -each["count"])[:SHOWN] for found in kinds.values()]
    table = Table(*kinds, box=SIMPLE_HEAD)
    for row in zip_longest(*columns):
        table.add_row(
            *(Text(error_in_words(each, " → " in kind)) if each else "" for kind, each in zip(kinds, row, strict=True))
        )
    if any(columns):
        Console().print(table)


def error_in_words(error: Mapping[str, Any], both_sides: bool) -> str:
    """'two → too 3', or 'two 3' where only one side is there to be said; a space is drawn, nothing is ∅."""
    written = [error.get(side, "∅").replace(" ", "␣") for side in ("reference", "hypothesis")]
    said = " → ".join(written) if both_sides else next(side for side in written if side != "∅")
    return f"{said} {error['count']}"


def print_comparison(comparison: Mapping[str, Any]) -> None:
    """What comparison.json says: both error rates, their difference, the tests, and what it would take to know."""
    matched, over = comparison["mapsswe"], f"{comparison['bootstrap_units']} {comparison['bootstrap_over']}"
    points = (100 * number for number in (comparison["difference"], *comparison["difference_ci95"]))
    needed = comparison["utterances_for_power_80"]
    table = Table(show_header=False, box=SIMPLE_HEAD)
    table.add_row(Text(f"WER of {comparison['run']}"), f"{comparison['wer']:.2%}")
    table.add_row(Text(f"WER of {comparison['against']}"), f"{comparison['wer_against']:.2%}")
    table.add_row("difference (95 %)", "{:+.2f} points ({:+.2f} to {:+.2f})".format(*points))
    table.add_row(f"paired bootstrap over {over}", p_value(comparison["bootstrap_p"]))
    table.add_row(f"MAPSSWE over {matched['segments']} segments", f"{p_value(matched['p'])} (z {matched['z']:+.2f})")
    table.add_row(
        "utterances to tell this with 80 % power", f"{needed} ({comparison['utterances']} here)" if needed else "–"
    )
    Console().print(table)
    print_line(verdict(comparison))


def p_value(p: float) -> str:
    return f"p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"


def verdict(comparison: Mapping[str, Any]) -> str:
    """What the bootstrap says; over speakers it knows more than MAPSSWE, which takes segments as independent."""
    if comparison["bootstrap_p"] < LEVEL:
        return f"{'better' if comparison['difference'] < 0 else 'worse'}: more than chance explains"
    if comparison["difference"] == 0:
        return "no difference"
    return "not told apart: chance explains a difference such as this"


def print_line(line: str) -> None:
    Console().print(line, soft_wrap=True, highlight=False, markup=False)
