"""A corpus is checked, divided, kept in memory, and says aloud what was done to it."""

import numpy as np
import pytest
from lhotse import CutSet

from asr.corpus.checking import int16_if_exact
from asr.corpus.corpus import CorpusError
from asr.corpus.cuts import load_samples
from asr.corpus.readers import folder
from asr.corpus.utterance import Utterance
from tests.corpus.recordings import RATE, corpus, noise, pair, record, tone


@pytest.fixture
def spoken(tmp_path):
    """Six speakers with four utterances each."""
    for speaker in "abcdef":
        for number in range(4):
            pair(tmp_path / speaker, f"{number}", f"Word {number}", tone(0.1 * (number + 2)))
    return tmp_path


def test_cuts(spoken):
    loaded = corpus(folder.read(spoken), dev_fraction=0.2)
    cuts = [cut for split in loaded.splits.values() for cut in split]
    assert len(cuts) == 24
    assert loaded.sample_rate == RATE
    for cut in cuts:
        (said,) = cut.supervisions
        assert (said.text, said.custom["transcript"]) == (f"word {cut.id[-1]}", f"Word {cut.id[-1]}")
        assert said.speaker == cut.id[0]
        assert cut.num_samples == len(loaded.audio[cut.id])
        assert loaded.audio[cut.id].dtype == np.int16
        np.testing.assert_array_equal(load_samples(cut), loaded.audio[cut.id] / np.float32(32768))
        np.testing.assert_array_equal(load_samples(cut), cut.load_audio()[0])
    speakers = [{cut.supervisions[0].speaker for cut in split} for split in loaded.splits.values()]
    assert sum(map(len, speakers)) == 6
    assert any(note.startswith("6 speakers: ") for note in loaded.notes)


def test_cuts_survive_a_file(spoken, tmp_path, monkeypatch):
    monkeypatch.chdir(spoken)
    loaded = corpus(folder.read("."))
    loaded.splits["train"].to_file(tmp_path / "train.jsonl.gz")
    monkeypatch.chdir("/")
    for cut in CutSet.from_file(tmp_path / "train.jsonl.gz"):
        np.testing.assert_array_equal(load_samples(cut), loaded.audio[cut.id] / np.float32(32768))


def test_speaker_is_the_utterance_where_none_is_known(tmp_path):
    pair(tmp_path, "x")
    (cut,) = corpus(folder.read(tmp_path), dev_fraction=0, test_fraction=0).splits["train"]
    assert cut.supervisions[0].speaker == "x"


def test_adding_files_moves_nothing_old(spoken):
    before = corpus(folder.read(spoken))
    for number in range(5):
        pair(spoken / "c", f"new{number}")
    after = corpus(folder.read(spoken))
    for split in before.splits:
        assert {cut.id for cut in before.splits[split]} <= {cut.id for cut in after.splits[split]}


def test_everything_that_is_wrong_is_named(spoken):
    samples = tone()
    samples[3] = np.nan
    bad = spoken / "bad"
    (record(bad / "nan.wav", samples, subtype="FLOAT")).with_suffix(".txt").write_text("x")
    pair(bad, "silent", samples=np.zeros(RATE))
    pair(bad, "long", samples=noise(2.0))
    pair(bad, "blank", text=" \n")
    pair(bad, "latin", text=b"caf\xe9")
    pair(bad, "cut").write_bytes((bad / "long.wav").read_bytes()[:20000])
    pair(bad, "empty").write_bytes(b"")
    pair(bad, "junk").write_bytes(b"junk" * 100)
    record(bad / "twice.wav").with_suffix(".txt").write_text("x")
    record(bad / "twice.flac")
    record(bad / "mute.wav")
    (bad / "deaf.txt").write_text("x")
    loaded = corpus(folder.read(spoken), max_utterance_seconds=1.5, dev_fraction=0, test_fraction=0)
    assert {rejection.id.removeprefix("bad/"): rejection.reason for rejection in loaded.rejected} == {
        "nan": "audio_not_finite",
        "silent": "audio_silent",
        "long": "too_long",
        "blank": "transcript_empty",
        "latin": "transcript_not_utf8",
        "cut": "audio_truncated",
        "empty": "audio_empty",
        "junk": "audio_unreadable",
        "twice": "duplicate_id",
        "mute": "transcript_missing",
        "deaf": "audio_missing",
    }
    for rejection in loaded.rejected:
        assert rejection.detail
        assert rejection.remedy
        assert rejection.id in str(rejection)
    assert len(loaded.splits["train"]) == 25


def test_too_many_rejected(spoken):
    for number in range(8):
        pair(spoken / "bad", f"{number}", text="")
    with pytest.raises(CorpusError) as caught:
        corpus(folder.read(spoken), max_rejected=0.05)
    message = str(caught.value)
    assert "8 of 32 utterances (25.0%) cannot be used" in message
    assert "bad/0" in message
    assert "transcript_empty" in message
    assert "and 3 more" in message
    assert "data.max_rejected=0.25" in message
    assert len(caught.value.rejected) == 8
    assert len(corpus(folder.read(spoken), max_rejected=0.25).rejected) == 8


def test_nothing_at_all():
    with pytest.raises(CorpusError, match=r"data\.source"):
        corpus([])


def test_an_empty_split_is_named(tmp_path):
    pair(tmp_path, "only")
    with pytest.raises(CorpusError, match="the dev split is empty"):
        corpus(folder.read(tmp_path))
    pair(tmp_path / "test", "only")
    (tmp_path / "only.wav").unlink()
    with pytest.raises(CorpusError, match="the train split is empty"):
        corpus(folder.read(tmp_path))


def test_only_the_wanted_split_is_decoded(spoken):
    pair(spoken / "test" / "g", "x")
    (spoken / "a" / "0.wav").write_bytes(b"")
    loaded = corpus(folder.read(spoken), splits=["test"])
    assert [cut.id for cut in loaded.splits["test"]] == ["test/g/x"]
    assert loaded.rejected == []
    assert set(loaded.audio) == {"test/g/x"}


def test_all_of_a_source_without_splits_as_test(spoken):
    loaded = corpus(folder.read(spoken), splits=["test"], test_fraction=1.0)
    assert len(loaded.splits["test"]) == 24


def test_the_same_test_split_is_drawn_with_and_without_the_others(spoken):
    alone = corpus(folder.read(spoken), splits=["test"]).splits["test"]
    assert [cut.id for cut in alone] == [cut.id for cut in corpus(folder.read(spoken)).splits["test"]]


def test_conversions_are_said_aloud(tmp_path):
    for number in range(6):
        pair(tmp_path, f"{number}")
    stereo = np.stack([tone(pitch=200, rate=44100), tone(pitch=300, rate=44100)], axis=1)
    for name in ("s1", "s2"):
        record(tmp_path / f"{name}.wav", stereo, rate=44100).with_suffix(".txt").write_text("x")
    loaded = corpus(folder.read(tmp_path), test_fraction=0, dev_fraction=0)
    assert "2 stereo recordings averaged to mono (first: s1)" in loaded.notes
    assert f"2 recordings resampled from 44100 to {RATE} Hz (first: s1)" in loaded.notes
    cut = next(cut for cut in loaded.splits["train"] if cut.id == "s1")
    assert (cut.sampling_rate, cut.num_samples) == (RATE, RATE // 2)
    np.testing.assert_array_equal(load_samples(cut), loaded.audio["s1"])


def test_rate_is_the_one_wanted(spoken):
    loaded = corpus(folder.read(spoken), sample_rate=8000)
    assert {cut.sampling_rate for cut in loaded.splits["train"]} == {8000}
    for cut in loaded.splits["train"]:
        assert len(loaded.audio[cut.id]) == cut.num_samples
        np.testing.assert_array_equal(load_samples(cut), loaded.audio[cut.id])


def test_memory_is_bounded(spoken):
    loaded = corpus(folder.read(spoken), cache_gib=20000 / 2**30)
    assert 0 < sum(samples.nbytes for samples in loaded.audio.values()) <= 20000
    assert sum(map(len, loaded.splits.values())) == 24


def test_speakers_in_train_and_test_are_said_aloud(spoken):
    for split in ("train", "test"):
        for name in "xy":
            pair(spoken / "given" / split / "anna", f"{split}{name}")
    loaded = corpus(folder.read(spoken / "given"))
    assert any("speakers in both train and test: anna" in note for note in loaded.notes)


def test_progress_counts_utterances(spoken):
    seen: list = []
    corpus(folder.read(spoken), on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (24, 24)


def test_segments_of_one_file(tmp_path):
    path = record(tmp_path / "x.flac", noise())
    parts = [Utterance(f"u{n}", path, "x", start=n * 0.5, duration=0.5) for n in range(6)]
    loaded = corpus(parts, dev_fraction=0, test_fraction=0)
    joined = np.concatenate([loaded.audio[f"u{n}"] for n in range(6)])
    np.testing.assert_array_equal(
        joined / np.float32(32768),
        load_samples(corpus([Utterance("all", path, "x")], dev_fraction=0, test_fraction=0).splits["train"][0]),
    )


def test_int16_keeps_what_16_bits_can_hold():
    exact = np.array([-1.0, 0.0, 32767 / 32768], np.float32)
    assert int16_if_exact(exact).dtype == np.int16
    np.testing.assert_array_equal(int16_if_exact(exact) / np.float32(32768), exact)
    for samples in ([1.0], [0.1], [3.0]):
        assert int16_if_exact(np.array(samples, np.float32)).dtype == np.float32
