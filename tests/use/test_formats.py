"""What `asr transcribe` prints, in every format, for words whose times are known."""

import json

import pytest

from asr.corpus.readers.segment_files import textgrid
from asr.tasks.transcribe.timing.words import Transcript, Word
from asr.use.formats import CAPTION_PAUSE_S, CAPTION_WORDS, FORMATS


def said(path: str, *words: tuple[str, float, float]) -> Transcript:
    heard = [Word(text, start, end, 0.5) for text, start, end in words]
    return Transcript(path, " ".join(word.text for word in heard), heard, 10.0)


ONE = said("b/a.wav", ("good", 0.0, 0.5), ("morning", 0.6, 1.25))
PAUSED = said("c.wav", ("yes", 1.0, 1.5), ("no", 3661.0, 3661.4))


def test_text_is_the_words_alone_or_after_the_path():
    assert FORMATS["text"]([ONE], False) == "good morning\n"
    assert FORMATS["text"]([ONE], True) == "b/a.wav\tgood morning\n"  # others were asked for and failed
    assert FORMATS["text"]([ONE, PAUSED], True).splitlines() == ["b/a.wav\tgood morning", "c.wav\tyes no"]


def test_json_holds_times_and_confidence():
    line = json.loads(FORMATS["json"]([ONE], False))
    assert line["path"] == "b/a.wav"
    assert line["words"][1] == {"text": "morning", "start": 0.6, "end": 1.25, "confidence": 0.5}


def test_captions_are_cut_at_pauses_and_numbered_on():
    assert PAUSED.words[1].start - PAUSED.words[0].end > CAPTION_PAUSE_S
    assert FORMATS["srt"]([ONE, PAUSED], True) == (
        "1\n00:00:00,000 --> 00:00:01,250\ngood morning\n\n"
        "2\n00:00:01,000 --> 00:00:01,500\nyes\n\n"
        "3\n01:01:01,000 --> 01:01:01,400\nno\n"
    )


@pytest.mark.parametrize("several", [False, True])
def test_webvtt_names_the_file_where_there_are_several(several):
    written = FORMATS["vtt"]([ONE], several)
    assert written.startswith("WEBVTT\n")
    assert "00:00:00.000 --> 00:00:01.250\ngood morning" in written
    assert ("NOTE b/a.wav" in written) is several


def test_captions_hold_so_many_words():
    words = [("a", 0.1 * i, 0.1 * i + 0.05) for i in range(CAPTION_WORDS + 1)]
    assert FORMATS["srt"]([said("a.wav", *words)], False).count("-->") == 2


def test_ctm_has_a_line_a_word():
    assert FORMATS["ctm"]([ONE], False) == "a 1 0.00 0.50 good 0.50\na 1 0.60 0.65 morning 0.50\n"


def test_a_textgrid_reads_back_as_the_same_words():
    found = list(textgrid(FORMATS["textgrid"]([ONE], False)))
    assert [(each.text, each.start, each.end) for each in found] == [
        ("good morning", 0.0, 1.35)
    ]  # joined, a margin kept
    lines = FORMATS["textgrid"]([said("a.wav", ('say "no"', 0.5, 1.0))], False).splitlines()
    assert lines[lines.index('"words"') + 3 :] == ["3", "0", "0.5", '""', "0.5", "1", '"say ""no"""', "1", "10", '""']
