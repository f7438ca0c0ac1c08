"""The embedded corpus: the same for the same parameters, kept, never half-made, and honest about what is unheard."""

import errno
import hashlib
from pathlib import Path

import numpy as np
import pytest

from asr.corpus.utterance import Utterance
from asr.errors import UserError
from asr.synthetic import corpus as synthetic
from asr.synthetic import espeak
from tests.corpus.recordings import corpus, write_lines

SMALL = {"utterances": 40, "held_out_utterances": 6, "speakers": 8, "held_out_speakers": 3}


def spoken(cache: Path, **parameters) -> list[Utterance]:
    return list(synthetic.read(cache=cache, **(SMALL | parameters)))


def digest(utterances: list[Utterance]) -> str:
    content = [(u.id, u.text, u.speaker, u.split, u.audio.read_bytes()) for u in utterances]
    return hashlib.sha256(repr(content).encode()).hexdigest()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return spoken(tmp_path_factory.mktemp("cache"))


def test_the_same_every_time(small, tmp_path):
    assert digest(spoken(tmp_path)) == digest(small)
    assert digest(spoken(tmp_path, seed=1)) != digest(small)
    assert len(list(tmp_path.iterdir())) == 2


def test_test_speakers_and_sentences_are_unheard_and_its_words_are_not(small):
    split = {name: [u for u in small if u.split == name] for name in ("train", "dev", "test")}
    assert {name: len(of) for name, of in split.items()} == {"train": 40, "dev": 6, "test": 6}
    for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not {u.speaker for u in split[one]} & {u.speaker for u in split[other]}
        assert not {u.text for u in split[one]} & {u.text for u in split[other]}
    words = {word for u in split["train"] for word in u.text.split()}
    assert all(words.issuperset(u.text.split()) for u in small)
    assert len({u.speaker for u in split["train"]}) == 8


def test_it_is_a_usable_corpus(small):
    loaded = corpus(small, max_rejected=0.0)
    assert loaded.sample_rate == 16000
    assert [len(split) for split in loaded.splits.values()] == [40, 6, 6]
    for samples in loaded.audio.values():
        assert samples.dtype == np.int16
        assert (samples[:200] != 0).any()  # no digital silence
        assert np.abs(samples.astype(int)).max() < 32000


def test_it_is_kept_and_made_again_where_a_part_is_gone(tmp_path, monkeypatch):
    before = spoken(tmp_path)
    digest_before = digest(before)
    before[0].audio.unlink()
    assert digest(spoken(tmp_path)) == digest_before
    monkeypatch.setattr(synthetic, "speak", lambda *_: pytest.fail("spoken again"))
    assert len(spoken(tmp_path)) == len(before)


@pytest.mark.parametrize("language", synthetic.languages_known())
def test_every_language_speaks(tmp_path, language):
    found = spoken(tmp_path, languages=[language])
    assert len(found) == 52
    assert all(2 <= len(u.text.split()) <= 12 for u in found)


@pytest.mark.parametrize("language", synthetic.languages_known())
def test_grammars_have_words_for_every_slot(language):
    counts, voices = {"train": 1000, "dev": 90, "test": 90}, {"train": 30, "dev": 6, "test": 6}
    plan = synthetic.plan_of([language], None, counts, voices, 0)
    assert len({line.text for line, _ in plan}) == 1180
    assert 110 <= len({word for line, _ in plan for word in line.text.split()}) <= 300


def test_own_sentences(tmp_path):
    text = write_lines(tmp_path / "mine.txt", *(f"sentence number {n}" for n in range(30)), "", "sentence number 1")
    found = spoken(tmp_path / "cache", text=text, utterances=60)
    said = {split: {u.text for u in found if u.split == split} for split in ("train", "dev", "test")}
    assert all(said.values())
    assert sum(map(len, said.values())) == 30  # disjoint, and all of them
    assert len(found) == 72


def test_too_few_sentences(tmp_path):
    text = write_lines(tmp_path / "mine.txt", "one", "two")
    with pytest.raises(UserError, match=r"mine\.txt: 2 different sentences; give 20 or more"):
        spoken(tmp_path, text=text)
    with pytest.raises(UserError, match="No such file"):
        spoken(tmp_path, text=tmp_path / "gone.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n" * 30)
    with pytest.raises(UserError, match="not UTF-8"):
        spoken(tmp_path, text=tmp_path / "latin.txt")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"languages": ["xx"]}, "no sentences for xx; there are de, en"),
        ({"languages": "en"}, "must be a list"),
        ({"held_out_speakers": 33}, "ask for fewer"),
        ({"utterances": 0}, "must be 1 or more"),
        ({"utterances": 3}, "use too few words for unheard sentences"),
    ],
)
def test_parameters_that_cannot_be(tmp_path, parameters, message):
    with pytest.raises(UserError, match=message):
        spoken(tmp_path, **parameters)


def test_full_disk(tmp_path, monkeypatch):
    def write(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(synthetic.soundfile, "write", write)
    with pytest.raises(UserError, match=r"the disk is full.*XDG_CACHE_HOME"):
        spoken(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_one_is_not_half_used(tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(synthetic.soundfile, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            spoken(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(spoken(tmp_path)) == 52


def test_cache_follows_xdg(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert synthetic.default_cache() == tmp_path / "asr" / "synthetic"


def test_espeak_that_cannot_be_loaded(monkeypatch):
    monkeypatch.setattr(espeak.sys, "executable", "/bin/false")
    with pytest.raises(UserError, match="espeakng-loader"):
        list(espeak.speak([espeak.SpeechRequest("hello", "en-us", 160, 50, 50)]))


def test_unknown_voice():
    with pytest.raises(UserError, match="no voice 'klingonese'"):
        list(espeak.speak([espeak.SpeechRequest("hello", "klingonese", 160, 50, 50)]))


def test_when_each_word_is_said():
    speech = espeak.SpeechRequest("the green house, put it in the box", "en-us", 150, 50, 50)
    ((samples, words),) = espeak.speak_timed([speech])
    assert " ".join(word.text for word in words) == speech.text
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= len(samples)
    assert all(word.end > word.start for word in words)
    house = next(index for index, word in enumerate(words) if word.text == "house,")
    silence = samples[words[house].end : words[house + 1].start].astype(float)
    assert len(silence) > 0.1 * espeak.SAMPLE_RATE  # the comma
    assert np.abs(silence).mean() < 0.1 * np.abs(samples.astype(float)).mean()
