"""Files with times: what their specifications say must be read, and what they do not must be named."""

import itertools

import pytest

from asr.corpus.readers import segments
from asr.corpus.readers.segment_files import BadLine, Segment, ctm, join_words, segments_of, stm, subtitles, textgrid
from tests.corpus.recordings import record, tone
from tests.corpus.test_readers import reasons, taken

LONG_TEXTGRID = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 3.5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "Ana"
        xmin = 0
        xmax = 3.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1.25
            text = "he said ""no"""
        intervals [2]:
            xmin = 1.25
            xmax = 2
            text = ""
        intervals [3]:
            xmin = 2
            xmax = 3.5
            text = "3 cats"
    item [2]:
        class = "IntervalTier"
        name = "Ana - words"
        xmin = 0
        xmax = 3.5
        intervals: size = 3
        intervals [1]:
            xmin = 0.5
            xmax = 0.75
            text = "good"
        intervals [2]:
            xmin = 0.75
            xmax = 1.25
            text = "day"
        intervals [3]:
            xmin = 2.5
            xmax = 3
            text = "bye"
    item [3]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 3.5
        points: size = 1
        points [1]:
            number = 1.5
            mark = "here"
'''
SHORT_TEXTGRID = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2\n<exists>\n1\n'
    '"IntervalTier"\n"utterances"\n0\n2\n2\n0\n1\n"señor"\n1\n2\n"sil"\n'
)


def test_stm():
    found = list(
        stm(
            ";; comment\n"
            "talk 1 ana 0.50 2.25 <o,f0,female> so good\n"
            "talk A inter_segment_gap 2.25 3.0 <o,,unknown> ignore_time_segment_in_scoring\n"
            "talk 1 ben 3 4 yes\n"
            "talk 1 ben 4 3 backwards\n"
            "talk 1 ben soon later when\n"
            "talk 1\n"
        )
    )
    assert found[:2] == [
        Segment(0.5, 2.25, "so good", "ana", "talk", "1"),
        Segment(3.0, 4.0, "yes", "ben", "talk", "1"),
    ]
    assert [(bad.line, bad.detail.split(":")[0]) for bad in found[2:]] == [
        (5, "from 4 to 3 s"),
        (6, "soon and later are not two times in seconds"),
        (7, "has 2 columns, STM has five before the words"),
    ]


def test_ctm_words_are_joined_at_pauses():
    found = list(ctm("r 1 1.0 0.3 good 0.9\nr 1 1.3 0.4 day 0.8\nr 1 4.0 0.5 bye 1\nr 1 3 0.2 <eps>\nr 1 0 x a\n"))
    assert isinstance(found[0], BadLine) and found[0].line == 5
    assert [(each.text, each.recording) for each in found[1:]] == [("good day", "r"), ("bye", "r")]
    assert (found[1].start, found[1].end) == pytest.approx((0.9, 1.8))
    assert (found[2].start, found[2].end) == pytest.approx((3.9, 4.6))


def test_joined_utterances_keep_clear_of_their_neighbours_and_end():
    words = [Segment(0.3 * n, 0.3 * n + 0.3, f"w{n}") for n in range(100)]
    made = list(join_words(words))
    assert [word for each in made for word in each.text.split()] == [word.text for word in words]
    assert all(each.end - each.start <= 15.21 for each in made)
    assert all(one.end <= other.start for one, other in itertools.pairwise(made))


def test_textgrid_in_both_text_formats():
    assert list(textgrid(LONG_TEXTGRID)) == [
        Segment(0.0, 1.25, 'he said "no"', "Ana"),
        Segment(2.0, 3.5, "3 cats", "Ana"),
        Segment(0.4, 1.35, "good day", "Ana"),
        Segment(2.4, 3.1, "bye", "Ana"),
    ]
    assert list(textgrid(SHORT_TEXTGRID)) == [Segment(0.0, 1.0, "señor")]


@pytest.mark.parametrize("cut", [40, 120, 400])
def test_a_textgrid_that_was_cut_off_is_named(tmp_path, cut):
    path = tmp_path / "x.TextGrid"
    path.write_text(LONG_TEXTGRID[:cut])
    found = list(segments_of(path))
    assert isinstance(found[-1], BadLine)
    assert "cut off" in found[-1].detail or "not a TextGrid" in found[-1].detail


def test_a_textgrid_as_praat_writes_it_with_other_letters(tmp_path):
    path = tmp_path / "x.TextGrid"
    path.write_text(SHORT_TEXTGRID, encoding="utf-16")
    assert list(segments_of(path)) == [Segment(0.0, 1.0, "señor")]


def test_subtitles():
    srt = "1\n00:00:01,500 --> 00:00:02,250\n<i>Good</i>\n{\\an8}day\n\n2\n01:00:00,000 --> 01:00:01,000\nbye\n"
    assert list(subtitles(srt)) == [Segment(1.5, 2.25, "Good day"), Segment(3600.0, 3601.0, "bye")]
    vtt = (
        "WEBVTT\n\nNOTE nothing\n\nintro\n00:01.000 --> 00:02.000 align:start\n<v Ana Ruiz>hola <c.loud>tú</c>\n\n"
        "00:03.000 --> 00:02.000\nback\n\n0:x --> soon\nwhat\n"
    )
    found = list(subtitles(vtt))
    assert found[0] == Segment(1.0, 2.0, "hola tú", "Ana Ruiz")
    assert [(bad.line, isinstance(bad, BadLine)) for bad in found[1:]] == [(9, True), (12, True)]


def test_a_folder_of_long_recordings(tmp_path):
    record(tmp_path / "train" / "talk.wav", tone(6.0))
    (tmp_path / "train" / "talk.srt").write_text("1\n00:00:01,000 --> 00:00:02,500\ngood day\n")
    record(tmp_path / "test" / "meeting one.FLAC", tone(6.0), format="FLAC")
    (tmp_path / "test" / "all.stm").write_text("meeting 1 b 0 1 x\n")
    (tmp_path / "test" / "meeting one.TextGrid").write_text(SHORT_TEXTGRID)
    found = taken(tmp_path, "segments")
    one = found["train/talk-00001000-00002500"]
    assert (one.text, one.start, one.duration, one.split, one.speaker) == ("good day", 1.0, 1.5, "train", "train/talk")
    other = found["test/meeting one-00000000-00001000"]
    assert (other.text, other.speaker, other.split) == ("señor", "test/meeting one", "test")
    assert reasons(found) == {"meeting-00000000-00001000": "audio_missing"}
    assert "all.stm speaks of meeting" in found["meeting-00000000-00001000"].rejection.detail


def test_channels_of_an_stm_are_those_of_the_recording(tmp_path):
    record(tmp_path / "call.wav", tone(3.0))
    (tmp_path / "call.stm").write_text("call A x 0 1 left\ncall B y 1 2 right\ncall zz y 2 3 both\n")
    assert [(u.channel, u.text) for u in segments.read(tmp_path)] == [(0, "left"), (1, "right"), (None, "both")]
