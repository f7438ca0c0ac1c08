"""The utterances of a report: a row each, worst first, that opens to its sound, its spectrogram and its alignment."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from asr.report.numbers import percent
from asr.report.sound import Sound
from asr.report.utterances import UtteranceRow, choose_listed, facts_of, measured_and_about, utterance_rows
from asr.tasks.transcribe.report.clips import Clip
from asr.tasks.transcribe.report.words import count_errors, fault_of, lines_of
from asr.tasks.transcribe.scoring.confusions import AlignedWord
from asr.tasks.transcribe.timing.words import Word

LEGEND = (
    "In the reference a word struck out was missed; in the hypothesis a word underlined was not said; a dotted line"
    " marks one word taken for another."
)
OPENED = (
    "An opened row plays the sound over its spectrogram, with the words where forced alignment finds them, and the"
    " posteriors of the tokens as curves between 0 and 1 (the blank is what lies between them). A click on a word or"
    " on the spectrogram plays from there; j and k go to the next and the previous row."
)
NOT_HEARD = "Not among those that can be heard here"


def utterances(
    records: Sequence[Mapping[str, Any]], alignments: Sequence[Sequence[AlignedWord]], clips: Mapping[str, Clip]
) -> Markup:
    """All rows with their filters; nothing where there is no record.

    records: lines of hypotheses.jsonl; alignments: of their words; clips: of those that can be heard, by their id.
    """
    rows = [
        _row(record, alignment, clips.get(str(record.get("id"))))
        for record, alignment in zip(records, alignments, strict=True)
    ]
    # Of equally bad utterances, the one with more errors teaches more.
    order = sorted(range(len(rows)), key=lambda i: (-rows[i].errors / max(rows[i].total or 0, 1), -rows[i].errors, i))
    listed = choose_listed([rows[i] for i in order])
    return utterance_rows(listed, "WER", len(records), LEGEND, OPENED)


def _row(record: Mapping[str, Any], alignment: Sequence[AlignedWord], clip: Clip | None) -> UtteranceRow:
    errors, words = count_errors(alignment), len(record["reference"].split())
    return UtteranceRow(
        **facts_of(record),
        grade=percent(errors / max(words, 1)),
        lines=lines_of(alignment),
        errors=errors,
        total=words,
        sound=_sound(clip, alignment) if clip else None,
        remarks=[*([] if clip else [NOT_HEARD]), *measured_and_about(record)],
    )


def _sound(clip: Clip, alignment: Sequence[AlignedWord]) -> Sound:
    timeline = {
        "seconds": round(clip.seconds, 3),
        "frame": clip.frame_s,
        "reference": _timed(clip.reference, [fault_of(word) for word in alignment if word.reference is not None]),
        "hypothesis": _timed(clip.hypothesis, [fault_of(word) for word in alignment if word.hypothesis is not None]),
        "curves": clip.curves,
    }
    return Sound(clip.sound, clip.sound_type, clip.picture, timeline)


def _timed(words: Sequence[Word], faults: Sequence[str]) -> list[list]:
    """Text, start, end (s), confidence, and what is wrong with it, of each word of one side."""
    if len(faults) != len(words):  # tokens without spaces between words
        faults = [""] * len(words)
    return [
        [word.text, round(word.start, 2), round(word.end, 2), round(word.confidence, 2), fault]
        for word, fault in zip(words, faults, strict=True)
    ]
