"""A list of utterances to read, hear, search and sort: rows that the page's script filters and opens."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from asr.report.numbers import is_number
from asr.report.page import render
from asr.report.sound import Sound

ROWS_LISTED = 3000  # of more utterances the worst half and a random half
SPEAKERS_OFFERED = 500
ORDERS = {"given": "Worst first", "reversed": "Best first", "errors": "Most errors first"}
BY_DURATION = {"longest": "Longest first", "shortest": "Shortest first"}
BY_CONFIDENCE = {"unsure": "Least confident first"}

Words = Sequence[tuple[str, str]]  # each with what is wrong with it: "", substituted, deleted or inserted


@dataclass(frozen=True)
class UtteranceRow:
    """An utterance, the reference and what was predicted, line by line, and what is known of it.

    grade: how good the prediction is, in short; errors: of `total` words or labels.
    """

    id: str
    grade: str
    lines: Sequence[tuple[str, Words]]
    errors: int
    total: int | None = None
    speaker: str | None = None
    duration_s: float | None = None
    confidence: float | None = None
    sound: Sound | None = None
    remarks: Sequence[str] = ()

    @property
    def attributes(self) -> dict[str, Any]:
        """What report.js filters and sorts by."""
        return {
            "id": self.id,
            "speaker": self.speaker,
            "errors": self.errors,
            "total": self.total,
            "duration": self.duration_s,
            "confidence": self.confidence,
        }


def facts_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a line of hypotheses.jsonl says of its utterance, as UtteranceRow names it."""
    duration_s, confidence = (record[key] if is_number(record.get(key)) else None for key in ("duration", "confidence"))
    speaker = str(record["speaker"]) if record.get("speaker") else None
    return {"id": str(record.get("id", "")), "speaker": speaker, "duration_s": duration_s, "confidence": confidence}


def measured_and_about(record: Mapping[str, Any]) -> list[str]:
    """What else a line of hypotheses.jsonl says: the level of the sound, and the columns of the corpus."""
    known = (("loudness", "loudness_db"), ("signal to noise", "snr_db"))
    levels = [f"{name} {record[key]:.0f} dB" for name, key in known if is_number(record.get(key))]
    about = record.get("about")
    return levels + ([f"{name} {value}" for name, value in about.items()] if isinstance(about, dict) else [])


def label_lines(reference: str, prediction: str) -> list[tuple[str, Words]]:
    """The lines of an utterance that has one label; one line where the prediction is right."""
    if reference == prediction:
        return [("BOTH", [(reference, "")])]
    return [("REF", [(reference, "substituted")]), ("HYP", [(prediction, "substituted")])]


def choose_listed(worst_first: Sequence[UtteranceRow], most: int = ROWS_LISTED) -> list[UtteranceRow]:
    """As many rows as a page has room for, in the order given: those that can be heard, the worst, some at random."""
    if len(worst_first) <= most:
        return list(worst_first)
    chosen = {place for place, row in enumerate(worst_first) if row.sound is not None} | set(range(most // 2))
    others = [place for place in range(len(worst_first)) if place not in chosen]
    chosen |= set(random.Random(0).sample(others, min(len(others), max(0, most - len(chosen)))))
    return [worst_first[place] for place in sorted(chosen)]


def utterance_rows(
    rows: Sequence[UtteranceRow], rate: str, utterances: int | None = None, legend: str = "", opened: str = ""
) -> Markup:
    """The rows with their filters, the worst first; nothing where there is none.

    rate: what errors over totals are called; utterances: how many there are in all; legend, opened: what the marks
    of a row mean, and what an opened row shows.
    """
    heard = sum(row.sound is not None for row in rows)
    remarks = [how_many(utterances or len(rows), len(rows), heard), legend]
    return _list(rows, remarks, ORDERS, rate, opened if heard else "")


def compared_rows(rows: Sequence[UtteranceRow], remarks: Sequence[str]) -> Markup:
    """Rows with the predictions of several runs below one another, the most different first."""
    orders = {"given": "Most different first", "errors": "Most errors first"}
    return _list(rows, remarks, orders, side_by_side=True)


def _list(
    rows: Sequence[UtteranceRow],
    remarks: Sequence[str],
    orders: Mapping[str, str],
    rate: str = "",
    opened: str = "",
    side_by_side: bool = False,
) -> Markup:
    """orders: names that report.js knows, and how they are shown; as many more as the rows can be ordered by."""
    speakers = sorted({row.speaker for row in rows if row.speaker})
    timed = any(row.duration_s is not None for row in rows)
    sure = any(row.confidence is not None for row in rows)
    heard = sum(row.sound is not None for row in rows)
    return render(
        "utterances.html",
        rows=rows,
        remarks=remarks,
        orders={**orders, **(BY_DURATION if timed else {}), **(BY_CONFIDENCE if sure else {}), "id": "By id"},
        rate=rate,
        opened=opened,
        side_by_side=side_by_side,
        speakers=speakers if 1 < len(speakers) <= SPEAKERS_OFFERED else [],
        some_silent=0 < heard < len(rows),
    )


def how_many(utterances: int, listed: int, heard: int) -> str:
    """Which of the utterances are listed, and which of those can be heard."""
    if listed < utterances:
        sentences = [f"Of {utterances} utterances these are {listed}, the worst and as many at random."]
    else:
        sentences = [f"All {utterances} utterances, the worst first."]
    if 0 < heard < listed:
        which = "the worst and as many at random, so that the page stays small"
        sentences.append(f"{heard} of them can be heard, {which}.")
    if listed < utterances:
        sentences.append("hypotheses.jsonl holds every one.")
    return " ".join(sentences)
