"""Real corpora, where ASR_TEST_DATA names the folder that holds them."""

import os
from pathlib import Path

import pytest

from asr.corpus.readers import emodb, fsdd, ravdess, yesno
from asr.corpus.readers.detect import read_any
from asr.errors import UserError
from tests.corpus.recordings import corpus

DATA = Path(os.environ.get("ASR_TEST_DATA", ""))


def folder(name: str) -> Path:
    if not os.environ.get("ASR_TEST_DATA"):
        pytest.skip("ASR_TEST_DATA is not set: the folder that holds real corpora")
    if not (DATA / name).exists():
        pytest.skip(f"ASR_TEST_DATA has no {name}")
    return DATA / name


def test_fsdd():
    found = list(fsdd.read(folder("fsdd")))
    assert len(found) == 3000
    assert sum(u.split == "test" for u in found) == 300
    assert {u.text for u in found} == set(fsdd.WORDS)
    by_id = {u.id: u for u in found}
    assert (by_id["7_jackson_4"].text, by_id["7_jackson_4"].speaker, by_id["7_jackson_4"].split) == (
        *("seven", "jackson", "test"),
    )
    held_out = list(fsdd.read(folder("fsdd"), held_out_speaker="theo"))
    assert {u.speaker for u in held_out if u.split == "test"} == {"theo"}
    assert sum(u.split == "test" for u in held_out) == 500
    with pytest.raises(UserError, match="there are george, jackson, lucas"):
        list(fsdd.read(folder("fsdd"), held_out_speaker="nobody"))


def test_yesno():
    loaded = corpus(yesno.read(folder("yesno")), max_rejected=0)
    assert [len(loaded.splits[split]) for split in ("train", "dev", "test")] == [29, 1, 30]
    test = [cut.supervisions[0].text for cut in loaded.splits["test"]]
    assert sum(len(text.split()) for text in test) == 240
    assert loaded.sample_rate == 8000


def test_speechocean762():
    found = list(read_any(folder("speechocean762")))
    assert (sum(u.split == "train" for u in found), sum(u.split == "test" for u in found)) == (2500, 1250)
    assert all(u.audio.is_file() for u in found)
    loaded = corpus([u for u in found if u.speaker in ("0001", "0005", "0006", "0003")], max_rejected=0)
    assert loaded.sample_rate == 16000
    (note,) = [note for note in loaded.notes if "speakers" in note]
    assert note.startswith("3 speakers: 2 train, 1 dev")


def test_librispeech():
    found = list(read_any(folder("fixtures") / "LibriSpeech"))
    assert [(u.speaker, u.split) for u in found] == [("1089", "test")] * 4
    assert len(corpus(found, splits=["test"], max_rejected=0).splits["test"]) == 4


@pytest.mark.parametrize(("reader", "count", "sentences"), [(emodb, 339, 10), (ravdess, 720, 2)])
def test_emotions(reader, count, sentences):
    found = list(reader.read(folder(reader.__name__.rpartition(".")[2])))
    assert len(found) == count and len({each.about["sentence"] for each in found}) == sentences
    genders = {each.speaker: each.about["gender"] for each in found}
    assert sorted(genders.values()) == ["f"] * (len(genders) // 2) + ["m"] * (len(genders) // 2)


def test_a_source_that_no_form_fits():
    with pytest.raises(UserError, match="Looked for"):
        read_any(folder("ravdess"))
