"""For whom and in what a system errs: a rate by what is known of utterances."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asr.evaluation.bootstrap import resample_utterances, units_of

Line = Mapping[str, Any]
MEASURED = {"duration": ("duration", "s"), "loudness": ("loudness_db", "dB"), "snr": ("snr_db", "dB")}
BINS = 4  # quartiles
FEWEST = 8  # utterances for bins
MOST_VALUES = 12  # of one field: more numbers are put into bins, more words would fill a page
UNKNOWN = "unknown"


@dataclass(frozen=True)
class UtteranceRates:
    """A rate of errors, sum(errors) / sum(counts), of which every utterance has a part: (U,) errors, (U,) counts.

    name: its key in metrics.json, such as "wer"; counted: what errors are out of, such as "words".
    of_right: whether `name` is the share of what is right, 1 − the rate of errors, such as "accuracy".
    """

    name: str
    counted: str
    errors: np.ndarray
    counts: np.ndarray
    of_right: bool = False


def breakdown(lines: Sequence[Line], rates: UtteranceRates, seed: int) -> dict[str, list[dict[str, Any]]]:
    """Field -> its values in order, each with utterances, what was counted, speakers, the rate and its interval.

    lines: of hypotheses.jsonl, with `about`, `duration`, `loudness_db` and `snr_db`; numbers are put into quartiles.
    A field that has one value throughout, or too many words, is left out: hypotheses.jsonl has them all.
    """
    columns = {field: binned([line.get(key) for line in lines], unit) for field, (key, unit) in MEASURED.items()}
    for field in sorted({field for line in lines for field in line["about"]}):
        columns[field] = grouped([line["about"].get(field) for line in lines])
    speakers = [line["speaker"] for line in lines]
    found = {}
    for field, groups in columns.items():
        cells = [
            {"value": name} | cell(speakers, rates, rows, seed) for name, rows in groups if rates.counts[rows].any()
        ]
        if len(cells) > 1:
            found[field] = cells
    return found


def cell(speakers: Sequence[str | None], rates: UtteranceRates, rows: np.ndarray, seed: int) -> dict[str, Any]:
    """What is told of the utterances `rows`; the interval only where there is more than one unit to resample."""
    errors, counts = rates.errors[rows], rates.counts[rows]
    chosen = [speakers[row] for row in rows]
    units, _ = units_of(chosen, len(rows))
    found = resample_utterances(errors, counts, units, seed)
    total = int(counts.sum())
    known: dict[str, Any] = {"utterances": len(rows), rates.counted: total, "speakers": len(set(chosen))}
    known[rates.name] = 1 - found.rate if rates.of_right else found.rate
    if found.units > 1:
        known[f"{rates.name}_ci95"] = list(found.interval_of_rest(total) if rates.of_right else found.interval(total))
    return known


Groups = list[tuple[str, np.ndarray]]  # a name, and the indices of its utterances


def grouped(values: Sequence[str | None]) -> Groups:
    """Utterances by their value of one field: numbers in order, or in bins where there are many; then words."""
    rows = defaultdict(list)
    for row, value in enumerate(values):
        rows[UNKNOWN if value in (None, "") else str(value)].append(row)
    numbers = {value: number for value in rows if (number := as_number(value)) is not None}
    words = sorted(rows.keys() - numbers.keys() - {UNKNOWN})
    if len(numbers) > MOST_VALUES and len(words) <= MOST_VALUES:
        found = binned([numbers.get(str(value)) for value in values], "")
    elif len(numbers) + len(words) <= MOST_VALUES:
        found = [(value, np.array(rows[value])) for value in sorted(numbers, key=lambda value: numbers[value])]
    else:
        return []
    return found + [(value, np.array(rows[value])) for value in (*words, UNKNOWN) if value in rows]


def as_number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def binned(values: Sequence[float | None], unit: str) -> Groups:
    """Utterances in quartiles of their value, named by their bounds; none where there are too few."""
    numbers = np.array([np.nan if value is None else value for value in values], dtype=float)
    known = np.flatnonzero(np.isfinite(numbers))
    if len(known) < FEWEST:
        return []
    edges = np.unique(np.quantile(numbers[known], np.arange(1, BINS) / BINS))
    index = np.searchsorted(edges, numbers[known], side="left")  # an edge belongs to the bin below it
    groups = [known[index == number] for number in range(len(edges) + 1)]
    groups = [rows for rows in groups if len(rows)]
    bounds = [(numbers[rows].min(), numbers[rows].max()) for rows in groups]
    shown = _rounding(bounds)
    names = [" to ".join(dict.fromkeys((shown(low), shown(high)))) for low, high in bounds]
    return [(f"{name} {unit}".strip(), rows) for name, rows in zip(names, groups, strict=True)]


def _rounding(bounds: Sequence[tuple[float, float]]) -> Callable[[float], str]:
    """How to write bounds: with as few decimals as keep the bins apart."""
    for decimals in range(3):
        written = [f"{low:.{decimals}f}" for low, _ in bounds]
        if len(set(written)) == len(written):
            break
    return lambda number: f"{number:.{decimals}f}".replace("-", "−")
