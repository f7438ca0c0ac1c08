"""Scores as a table on standard output."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_scores(metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """A line for each split of metrics.json that was scored."""
    table = Table("split", "WER", "95 %", "CER", "words", "sub", "del", "ins", "utterances")
    for split, values in metrics.items():
        if "wer" in values:
            low, high = values["wer_ci95"]
            counts = (values[key] for key in ("words", "substitutions", "deletions", "insertions", "utterances"))
            rates = f"{values['wer']:.2%}", f"{low:.2%} – {high:.2%}", f"{values['cer']:.2%}"
            table.add_row(split, *rates, *map(str, counts))
    Console().print(table)
