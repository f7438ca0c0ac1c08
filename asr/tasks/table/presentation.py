"""Results of task=table on the terminal and on the pages: every model, with every division beside the others."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from asr.evaluation.tables import interval, print_line
from asr.report import numbers
from asr.report.labels import LabelPresentation
from asr.report.page import Section, part
from asr.report.tables import Table as PageTable
from asr.runs.files import Record, RunFiles
from asr.tasks.table.comparison import PEOPLE
from asr.tasks.table.divisions import DIVISIONS

OF_COMPARISON = "comparison"  # of metrics.json: model -> division -> rates on its test rows
SHOWN_AS = {PEOPLE: "people (nothing learnt)"}


class TablePresentation:
    """Rows as labelled utterances (asr.tasks.classify), and the comparison above them."""

    title = "table"

    def __init__(self) -> None:
        labels = LabelPresentation()
        self.labels, self.rates, self.counts = labels, labels.rates, (("classes", "Labels"), ("utterances", "Rows"))
        self.differing, self.score_lines = labels.differing, labels.score_lines
        self.interval, self.compare = labels.interval, labels.compare

    def sections(
        self, run: RunFiles, split: str, records: Sequence[Record], media: Mapping[str, Any]
    ) -> Sequence[Section]:
        """The comparison, then what a classifier shows of the model that was kept."""
        compared = run.metrics.get(OF_COMPARISON, {})
        return [
            Section("Every model, split in three ways", comparison(compared)),
            *self.labels.sections(run, split, records, media),
        ]


def comparison(compared: Mapping[str, Any]) -> Any:
    """UAR, accuracy and macro-F1 of every model on the test rows of each division."""
    titles = ["Model", "Split by", "#UAR", "#95 %", "#Accuracy", "#95 %", "#Macro-F1", "#Test rows"]
    rows = [
        [
            *(SHOWN_AS.get(name, name), division),
            *(numbers.percent(found.get("uar")), numbers.interval(found.get("uar_ci95"))),
            *(numbers.percent(found.get("accuracy")), numbers.interval(found.get("accuracy_ci95"))),
            *(numbers.percent(found.get("macro_f1")), numbers.count(found.get("utterances"))),
        ]
        for name, divisions in compared.items()
        if isinstance(divisions, dict)
        for division, found in divisions.items()
        if isinstance(found, dict)
    ]
    return part("table", PageTable(titles, rows))


def print_comparison(compared: Mapping[str, Mapping[str, Mapping[str, Any]]], kept: str) -> None:
    """A line for each model and division, then what the divisions are."""
    exact = [Column(each, no_wrap=True, justify="right") for each in ("UAR", "95 %", "accuracy", "95 %", "macro-F1")]
    table = Table("model", "split by", *exact, "test rows", "actors", box=SIMPLE_HEAD)
    for name, divisions in compared.items():
        for number, (division, found) in enumerate(divisions.items()):
            shown = [text for rate in ("uar", "accuracy") for text in (f"{found[rate]:.2%}", interval(found, rate))]
            units = str(found["interval_units"]) if found["interval_over"] == "speakers" else "–"
            title = SHOWN_AS.get(name, name) + (", kept" if name == kept else "") if number == 0 else ""
            table.add_row(title, division, *shown, f"{found['macro_f1']:.2%}", str(found["utterances"]), units)
        table.add_section()
    Console(width=130).print(table)
    for division, meaning in DIVISIONS.items():
        print_line(f"split by {division}: {meaning}")
