"""Scores, errors and comparisons as tables on standard output."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from asr.evaluation.tables import interval, interval_and_speed, p_value, print_line, print_paired_test
from asr.tasks.transcribe.scoring.wer import WER

SHOWN = 8  # of the most frequent errors of each kind


def print_scores(metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """A line for each split of metrics.json that was scored, then what its interval rests on and how fast it went."""
    columns = "split", "WER", Column("95 %", no_wrap=True), "CER", "words", "sub", "del", "ins", "utterances"
    table = Table(*columns, box=SIMPLE_HEAD)
    scored = {split: values for split, values in metrics.items() if "wer" in values}
    for split, values in scored.items():
        counts = (values[key] for key in ("words", "substitutions", "deletions", "insertions", "utterances"))
        rates = f"{values['wer']:.2%}", interval(values, "wer"), f"{values['cer']:.2%}"
        table.add_row(split, *rates, *map(str, counts))
    Console().print(table)
    for split, values in scored.items():
        print_line(interval_and_speed(split, values))


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
    """What comparison.json says of word error rates; the verdict is the bootstrap's.

    Over speakers the bootstrap knows more than MAPSSWE, which takes segments as independent.
    """
    matched = comparison["mapsswe"]
    mapsswe = f"{p_value(matched['p'])} (z {matched['z']:+.2f})"
    print_paired_test(comparison, WER, {f"MAPSSWE over {matched['segments']} segments": mapsswe})
