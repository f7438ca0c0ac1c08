"""The utterances of a report: a row each, worst first, that opens to its sound, its spectrogram and its alignment."""

import base64
import random
from collections.abc import Mapping, Sequence
from typing import Any

from asr.report import page
from asr.report.numbers import is_number, percent
from asr.tasks.transcribe.report.clips import Clip
from asr.tasks.transcribe.scoring.confusions import AlignedWord
from asr.tasks.transcribe.timing.words import Word

LISTED = 3000  # rows in all; of more utterances the worst half and a random half
SPEAKERS_OFFERED = 500
ORDERS = {"given": "Worst first", "reversed": "Best first", "errors": "Most errors first"}
BY_DURATION = {"longest": "Longest first", "shortest": "Shortest first"}
BY_CONFIDENCE = {"unsure": "Least confident first"}

LEGEND = (
    "In the reference a word struck out was missed; in the hypothesis a word underlined was not said; a dotted line"
    " marks one word taken for another."
)
OPENED = (
    "An opened row plays the sound over its spectrogram, with the words where forced alignment finds them, and the"
    " posteriors of the tokens as curves between 0 and 1 (the blank is what lies between them). A click on a word or"
    " on the spectrogram plays from there; j and k go to the next and the previous row."
)


def utterances(
    records: Sequence[Mapping[str, Any]], alignments: Sequence[Sequence[AlignedWord]], clips: Mapping[str, Clip]
) -> str:
    """All rows with their filters; nothing where there is no record.

    records: lines of hypotheses.jsonl; alignments: of their words; clips: of those that can be heard, by their id.
    """
    if not records:
        return ""
    errors = [sum(spoken != heard for spoken, heard in alignment) for alignment in alignments]
    rates = [n / max(len(record["reference"].split()), 1) for n, record in zip(errors, records, strict=True)]
    # Of equally bad utterances, the one with more errors teaches more.
    order = sorted(range(len(records)), key=lambda i: (-rates[i], -errors[i], i))
    listed = _listed(order, records, clips)
    rows = [_row(records[i], alignments[i], errors[i], rates[i], clips.get(str(records[i].get("id")))) for i in listed]
    some_heard = any(str(records[i].get("id")) in clips for i in listed)
    return (
        page.paragraph(_how_many(len(records), len(listed), len(clips)))
        + page.paragraph(LEGEND)
        + (page.folded("What an opened row shows", page.paragraph(OPENED)) if some_heard else "")
        + filters([records[i] for i in listed], ORDERS, some_heard and len(clips) < len(listed))
        + page.rows(rows)
    )


def _listed(order: Sequence[int], records: Sequence[Mapping[str, Any]], clips: Mapping[str, Clip]) -> list[int]:
    """Those rows that are shown, worst first."""
    if len(order) <= LISTED:
        return list(order)
    kept = {i for i in order if str(records[i].get("id")) in clips} | set(order[: LISTED // 2])
    others = [i for i in order if i not in kept]
    kept |= set(random.Random(0).sample(others, min(len(others), max(0, LISTED - len(kept)))))
    return [i for i in order if i in kept]


def _how_many(utterances: int, listed: int, heard: int) -> str:
    if listed < utterances:
        shown = f"Of {utterances} utterances these are {listed}, the worst and as many at random"
    else:
        shown = f"All {utterances} utterances"
    told = f"{shown}, by their word error rate. "
    if 0 < heard < listed:
        told += f"{heard} of them can be heard, the worst and as many at random, so that the page stays small. "
    return told + ("hypotheses.jsonl holds every one." if listed < utterances else "")


def _row(
    record: Mapping[str, Any], alignment: Sequence[AlignedWord], errors: int, rate: float, clip: Clip | None
) -> str:
    name = str(record.get("id", ""))
    about = [f"<b>{percent(rate)}</b>", page.isolated(name)]
    if record.get("speaker"):
        about.append(f"speaker {page.isolated(str(record['speaker']))}")
    if is_number(record.get("duration")):
        about.append(f"{record['duration']:.1f} s")
    if is_number(record.get("confidence")):
        about.append(f"confidence {percent(record['confidence'])}")
    data = {"id": name, "speaker": record.get("speaker"), "errors": errors, "words": len(record["reference"].split())}
    data |= {key: record[key] for key in ("duration", "confidence") if is_number(record.get(key))}
    summary = f'<div class="about">{" · ".join(about)}</div>{page.compared(alignment)}'
    inside = _opened(name, alignment, clip) if clip else ""
    known = _known(record, clip is not None)
    return f'<details class="utterance"{page.attributes(data)}><summary>{summary}</summary>{inside}{known}</details>'


def _known(record: Mapping[str, Any], heard: bool) -> str:
    """What else is known of an utterance."""
    told = [] if heard else ["Not among those that can be heard here"]
    for name, key in (("loudness", "loudness_db"), ("signal to noise", "snr_db")):
        if is_number(record.get(key)):
            told.append(f"{name} {record[key]:.0f} dB")
    about = record.get("about")
    told += [f"{name} {value}" for name, value in about.items()] if isinstance(about, dict) else []
    return f'<div class="known">{page.paragraph(" · ".join(told))}</div>' if told else ""


def _opened(name: str, alignment: Sequence[AlignedWord], clip: Clip) -> str:
    sound, picture = (base64.b64encode(data).decode() for data in (clip.sound, clip.picture))
    view = {
        "seconds": round(clip.seconds, 3),
        "frame": clip.frame_s,
        "reference": _words(clip.reference, [(r, h) for r, h in alignment if r is not None], "deleted"),
        "hypothesis": _words(clip.hypothesis, [(h, r) for r, h in alignment if h is not None], "inserted"),
        "curves": clip.curves,
    }
    return (
        f'<div class="opened"><audio controls preload="none" aria-label="{page.escape(name)}"'
        f' src="data:{clip.sound_type};base64,{sound}"></audio>'
        f'<img loading="lazy" alt="Spectrogram of {page.escape(name)}" src="data:image/webp;base64,{picture}">'
        f"{page.data(view)}</div>"
    )


def _words(words: Sequence[Word], steps: Sequence[tuple[str | None, str | None]], alone: str) -> list[list]:
    """Text, start, end, confidence, and what is wrong with it, of each word of one side.

    steps: that side's words with the other's; alone: what a word is that has none.
    """
    kinds = [alone if other is None else "" if own == other else "substituted" for own, other in steps]
    if len(kinds) != len(words):  # tokens without spaces between words
        kinds = [""] * len(words)
    return [
        [word.text, round(word.start, 2), round(word.end, 2), round(word.confidence, 2), kind]
        for word, kind in zip(words, kinds, strict=True)
    ]


def filters(records: Sequence[Mapping[str, Any]], orders: Mapping[str, str], some_silent: bool = False) -> str:
    """Native controls over `page.rows`; hidden until the script that they need has run.

    orders: names that report.js knows, and how they are shown; some_silent: whether some can be heard and some not.
    """
    speakers = sorted({str(record["speaker"]) for record in records if record.get("speaker")})
    timed, sure = (any(is_number(record.get(key)) for record in records) for key in ("duration", "confidence"))
    orders = {**orders, **(BY_DURATION if timed else {}), **(BY_CONFIDENCE if sure else {}), "id": "By id"}
    chooser = ""
    if 1 < len(speakers) <= SPEAKERS_OFFERED:
        chooser = _select("Speaker", "speaker", {"": "All", **{speaker: speaker for speaker in speakers}})
    heard = '<label class="check"><input type="checkbox" name="heard">With sound</label>' if some_silent else ""
    return (
        '<form id="filters" class="filters" role="search" aria-label="Utterances" hidden>'
        '<label class="search">Search in id, speaker, reference, hypothesis<input type="search" name="search"></label>'
        f"{chooser}{_select('Order', 'order', orders)}"
        '<div><label for="least">Seconds, from – to</label><div class="range">'
        '<input id="least" name="least" type="number" min="0" step="any" aria-label="Seconds at least">'
        '<input name="most" type="number" min="0" step="any" aria-label="Seconds at most"></div></div>'
        f'<label class="check"><input type="checkbox" name="wrong">With errors</label>{heard}</form>'
        '<p id="told" role="status" aria-live="polite"></p>'
    )


def _select(title: str, name: str, options: Mapping[str, str]) -> str:
    inside = "".join(f'<option value="{page.escape(v)}">{page.escape(t)}</option>' for v, t in options.items())
    return f'<label>{title}<select name="{name}">{inside}</select></label>'
