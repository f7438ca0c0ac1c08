"""How the error rate differs between parts of a test set: by speaker, by what is known of it, by how rare a word is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from asr.report import page
from asr.report.numbers import bounds, count, interval, is_number, percent
from asr.report.plots import reliability

SPEAKERS_SHOWN, SPEAKERS_LISTED = 10, 500
VALUES_SHOWN = 30
TITLES = {"snr": "Signal-to-noise ratio"}


def subsets(scores: Mapping[str, Any]) -> str:
    """Bars with 95 % intervals, of all that metrics.json holds of parts of a set."""
    breakdown = scores.get("breakdown")
    parts = [
        f"<div><h3>{page.escape(TITLES.get(name, name.capitalize()))}</h3>{table}</div>"
        for name, cells in (breakdown.items() if isinstance(breakdown, dict) else ())
        if (table := _cells(cells))
    ]
    rare = _rare_words(scores.get("rare_words"))
    if rare:
        parts.append(f"<div><h3>Words by how often the training transcripts hold them</h3>{rare}</div>")
    return f'<div class="halves">{"".join(parts)}</div>' if parts else ""


def _records(cells: object, rate: str) -> list[dict[str, Any]]:
    return [c for c in cells if isinstance(c, dict) and is_number(c.get(rate))] if isinstance(cells, list) else []


def _cells(cells: object) -> str:
    known = _records(cells, "wer")[:VALUES_SHOWN]
    return _bars(("Value", "value"), ("#WER", "wer"), known)


def _rare_words(cells: object) -> str:
    return _bars(("Times", "seen"), ("#Recognised", "recall"), _records(cells, "recall"))


def _bars(value: tuple[str, str], rate: tuple[str, str], cells: Sequence[Mapping[str, Any]]) -> str:
    """A line a cell; value, rate: the column's title and the cell's key."""
    (first, name), (second, key) = value, rate
    intervals = [cell.get(f"{key}_ci95") for cell in cells]
    rows = [
        [str(c.get(name)), count(c.get("words")), percent(c[key]), interval(i)]
        for c, i in zip(cells, intervals, strict=True)
    ]
    bars = [(float(c[key]), bounds(i)) for c, i in zip(cells, intervals, strict=True)]
    columns, known = [first, "#Words", second, "#95 % interval"], any(bound for _, bound in bars)
    return page.table(columns if known else columns[:3], rows if known else [row[:3] for row in rows], bars)


def speakers(records: Sequence[Mapping[str, Any]], errors: Sequence[int]) -> str:
    """The speakers by their word error rate, worst first; nothing where fewer than two are known."""
    totals: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])  # utterances, words, errors
    for record, wrong in zip(records, errors, strict=True):
        if record.get("speaker"):
            total = totals[str(record["speaker"])]
            total[:] = total[0] + 1, total[1] + len(record["reference"].split()), total[2] + wrong
    if len(totals) < 2:
        return ""
    rates = {speaker: wrong / max(words, 1) for speaker, (_, words, wrong) in totals.items()}
    worst = sorted(rates, key=lambda speaker: (-rates[speaker], speaker))
    rows = [[s, count(totals[s][0]), count(totals[s][1]), percent(rates[s])] for s in worst]
    bars: list[page.Bar] = [(rates[s], None) for s in worst]
    shown, folded = slice(SPEAKERS_SHOWN), slice(SPEAKERS_SHOWN, SPEAKERS_LISTED)
    columns = ["Speaker", "#Utterances", "#Words", "#WER"]
    table, more = page.table(columns, rows[shown], bars[shown]), page.table(columns, rows[folded], bars[folded])
    named = f"{count(len(worst) - SPEAKERS_SHOWN)} more speakers, with lower rates"
    cut = f"; here to number {SPEAKERS_LISTED}" if len(worst) > SPEAKERS_LISTED else ""
    return table + page.folded(named + cut, more)


def calibration(scores: Mapping[str, Any]) -> str:
    """How often words of each confidence are right."""
    found = scores.get("calibration")
    bins = [
        each
        for each in (found.get("bins") or [] if isinstance(found, dict) else [])
        if isinstance(each, dict) and is_number(each.get("confidence")) and is_number(each.get("accuracy"))
    ]
    if not bins:
        return ""
    assert isinstance(found, dict)
    told = "A word's confidence is to be the probability that it is right: points on the diagonal."
    known = {"Expected calibration error": found.get("ece"), "Area under the ROC curve": found.get("auc")}
    numbers = "; ".join(f"{name.lower()} {value:.3f}" for name, value in known.items() if is_number(value))
    return page.paragraph(f"{told} {numbers[:1].upper()}{numbers[1:]}.") + page.drawing(reliability(bins))
