"""Rates by group, as bars with intervals, and what was taken for what, as a matrix."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from asr.report.numbers import bounds, count, interval, is_number, percent
from asr.report.page import part, render
from asr.report.tables import Bars, Table
from asr.task import Rate

GROUPS_SHOWN = 30
FIELD_TITLES = {"snr": "Signal-to-noise ratio"}


def breakdown(
    fields: object, rate: Rate, counts: Mapping[str, str], further: Sequence[tuple[str, Markup]] = ()
) -> Markup:
    """A table for every field that is known of utterances, then further ones with their titles.

    fields: `breakdown` of a split's metrics; rate, counts: as for `rates_by`.
    """
    known = fields.items() if isinstance(fields, dict) else ()
    tables = [(FIELD_TITLES.get(field, field.capitalize()), rates_by(groups, rate, counts)) for field, groups in known]
    return part("beside", "halves", [(title, table) for title, table in (*tables, *further) if table])


def rates_by(groups: object, rate: Rate, counts: Mapping[str, str], title: str = "Value", key: str = "value") -> Markup:
    """A line a group: what it is, its counts, its rate with the interval where one is known, and a bar.

    groups: mappings as in metrics.json, with `key`, the keys of `counts`, `<rate>` and `<rate>_ci95`; others, and what
    has no rate, are left out. counts: titles of the columns by their keys; title: of the first column.
    """
    listed = groups if isinstance(groups, list) else []
    known = [each for each in listed if isinstance(each, dict) and is_number(each.get(rate.name))][:GROUPS_SHOWN]
    intervals = [each.get(f"{rate.name}_ci95") for each in known]
    bars = [(float(each[rate.name]), bounds(between)) for each, between in zip(known, intervals, strict=True)]
    rows = [
        [str(each.get(key)), *(count(each.get(name)) for name in counts), percent(each[rate.name]), interval(between)]
        for each, between in zip(known, intervals, strict=True)
    ]
    columns = [title, *(f"#{name}" for name in counts.values()), f"#{rate.title}", "#95 % interval"]
    if not any(between for _, between in bars):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return part("table", Table(columns, rows, Bars.of(rate, bars)))


def confusion_matrix(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Markup:
    """What was taken for what: (L, L) counts of L labels, references down, predictions across.

    Each cell has its count and its share of the row, and is shaded by that share.
    """
    rows: list[dict[str, Any]] = []
    for label, row in zip(labels, counts, strict=True):
        total = int(sum(row))
        shares = [number / total if total else 0.0 for number in row]
        rows.append({"label": label, "total": total, "cells": list(zip(map(int, row), shares, strict=True))})
    return render("confusion_matrix.html", labels=labels, rows=rows)
