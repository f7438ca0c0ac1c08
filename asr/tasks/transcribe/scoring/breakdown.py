"""For whom and in what a recogniser errs: error rates by what is known of utterances, recall by what was trained on."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from asr.evaluation.bootstrap import resample, units_of
from asr.tasks.transcribe.scoring.confusions import AlignedWord
from asr.tasks.transcribe.scoring.wer import Score

Line = Mapping[str, Any]
MEASURED = {"duration": ("duration", "s"), "loudness": ("loudness_db", "dB"), "snr": ("snr_db", "dB")}
BINS = 4  # quartiles
FEWEST = 8  # utterances for bins
MOST_VALUES = 12  # of one field: more numbers are put into bins, more words would fill a page
UNKNOWN = "unknown"
SEEN = ((0, 0), (1, 1), (2, 5), (6, 20), (21, 100), (101, None))  # times in the training transcripts, both included


def breakdown(lines: Sequence[Line], result: Score, seed: int) -> dict[str, list[dict[str, Any]]]:
    """Field -> its values in order, each with utterances, words, speakers, WER and interval.

    lines: of hypotheses.jsonl, with `about`, `duration`, `loudness_db` and `snr_db`; numbers are put into quartiles.
    A field that has one value throughout, or too many words, is left out: hypotheses.jsonl has them all.
    """
    columns = {field: binned([line.get(key) for line in lines], unit) for field, (key, unit) in MEASURED.items()}
    for field in sorted({field for line in lines for field in line["about"]}):
        columns[field] = grouped([line["about"].get(field) for line in lines])
    found = {}
    for field, groups in columns.items():
        cells = [{"value": name} | cell(lines, result, rows, seed) for name, rows in groups if _has_words(result, rows)]
        if len(cells) > 1:
            found[field] = cells
    return found


def _has_words(result: Score, rows: np.ndarray) -> bool:
    return bool(result.per_utterance_words[rows].any())


def cell(lines: Sequence[Line], result: Score, rows: np.ndarray, seed: int) -> dict[str, Any]:
    """Utterances, words, speakers, WER and, where there is more than one unit to resample, its interval."""
    errors, words = result.per_utterance_errors[rows], result.per_utterance_words[rows]
    speakers = [lines[row]["speaker"] for row in rows]
    units, _ = units_of(speakers, len(rows))
    rates = resample(np.bincount(units, errors), np.bincount(units, words), seed)
    known = {
        "utterances": len(rows),
        "words": int(words.sum()),
        "speakers": len(set(speakers)),
        "wer": rates.rate,
    }
    return known | ({"wer_ci95": list(rates.interval(int(words.sum())))} if rates.units > 1 else {})


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


def rare_words(
    alignments: Sequence[Sequence[AlignedWord]],
    trained_on: Mapping[str, int],
    speakers: Sequence[str | None],
    seed: int,
) -> list[dict[str, Any]]:
    """Recall of reference words by how often the training transcripts hold them, those never seen first.

    trained_on: how often each word stands in the training transcripts. speakers: of every utterance, for the interval.
    """
    words = np.zeros((len(SEEN), len(alignments)), dtype=int)
    missed = np.zeros_like(words)
    for row, alignment in enumerate(alignments):
        for reference, hypothesis in alignment:
            if reference is not None:
                times = trained_on.get(reference, 0)
                place = next(i for i, (_, most) in enumerate(SEEN) if most is None or times <= most)
                words[place, row] += 1
                missed[place, row] += reference != hypothesis
    return [
        {"seen": _range(*seen)} | _recall(missed[place], words[place], speakers, seed)
        for place, seen in enumerate(SEEN)
        if words[place].any()
    ]


def _recall(missed: np.ndarray, words: np.ndarray, speakers: Sequence[str | None], seed: int) -> dict[str, Any]:
    """Words, the share of them recognised and its interval, over the utterances that hold such words."""
    rows = np.flatnonzero(words)
    units, _ = units_of([speakers[int(row)] for row in rows], len(rows))
    rates = resample(np.bincount(units, missed[rows]), np.bincount(units, words[rows]), seed)
    found = {"words": int(words.sum()), "recall": 1 - rates.rate}
    if rates.units < 2:
        return found
    low, high = rates.interval(int(words.sum()))
    return found | {"recall_ci95": [max(0.0, 1 - high), 1 - low]}


def _range(least: int, most: int | None) -> str:
    return f"{least}" if least == most else f"over {least - 1}" if most is None else f"{least}–{most}"
