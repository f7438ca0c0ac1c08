"""Labels without transcripts: class folders, tables, Kaldi's and NeMo's columns; what tasks make of a lack of text."""

import pytest

from asr.corpus.corpus import CorpusError
from asr.corpus.readers import class_folders
from asr.corpus.readers.detect import read_any
from asr.corpus.utterance import LONGEST_VALUE, MOST_COLUMNS, UtteranceFacts, kept_about
from asr.errors import UserError
from asr.task import Unusable
from tests.corpus.recordings import corpus, pair, record, write_lines


def emotion_of(known: UtteranceFacts) -> str:
    if "emotion" not in known.about:
        raise Unusable("target_missing", "no emotion", "add it")
    return known.about["emotion"]


def everything(utterances, **settings):
    return corpus(utterances, **({"dev_fraction": 0, "test_fraction": 0} | settings))


def test_a_folder_for_every_class(tmp_path):
    for name in ("happy/p1_a", "happy/p2_a", "sad/deep/p1_b", ".cache/happy/p9_a"):
        record(tmp_path / f"{name}.wav")
    record(tmp_path / "stray.wav")
    write_lines(tmp_path / "happy" / "p1_a.txt", "good morning")
    reading = class_folders.read(tmp_path, "emotion", r"/(p\d+)_")
    assert reading.note == f"{tmp_path}: read as class_folders, emotion by 2 folders: happy 2, sad 1"
    found = {each.id: each for each in reading}
    assert {name: (each.about, each.speaker, each.text) for name, each in found.items()} == {
        "happy/p1_a": ({"emotion": "happy"}, "p1", "good morning"),
        "happy/p2_a": ({"emotion": "happy"}, "p2", None),
        "sad/deep/p1_b": ({"emotion": "sad"}, "p1", None),
        "stray": ({}, None, None),
    }
    assert found["stray"].rejection.reason == "target_missing"
    assert [each.supervisions[0].text for each in everything(reading, target_of=emotion_of).splits["train"]] == [
        *("happy", "happy", "sad")
    ]


def test_folders_of_splits_above_the_classes(tmp_path):
    for name in ("train/yes/a", "valid/no/b", "test/yes/c"):
        record(tmp_path / f"{name}.wav")
    found = list(class_folders.read(tmp_path, "word"))
    assert [(each.split, each.about["word"]) for each in found] == [("test", "yes"), ("train", "yes"), ("dev", "no")]


def test_a_class_may_have_the_name_of_a_split(tmp_path):
    for name in ("train/a", "plane/b"):
        record(tmp_path / f"{name}.wav")
    found = list(class_folders.read(tmp_path, "vehicle"))
    assert [(each.split, each.about["vehicle"]) for each in found] == [(None, "plane"), (None, "train")]


def test_folders_of_speakers(tmp_path):
    record(tmp_path / "anna" / "a.wav")
    (utterance,) = class_folders.read(tmp_path, "speaker")
    assert (utterance.speaker, utterance.about) == ("anna", {})


@pytest.mark.parametrize(
    ("pattern", "message"), [("(", "no regular expression"), ("x(y)", "found in no recording, such as happy/a.wav")]
)
def test_patterns_that_find_nothing(tmp_path, pattern, message):
    record(tmp_path / "happy" / "a.wav")
    with pytest.raises(UserError, match=message):
        class_folders.read(tmp_path, "emotion", pattern)


def test_classes_are_not_guessed(tmp_path):
    record(tmp_path / "happy" / "a.wav")
    with pytest.raises(UserError, match=r"data=class_folders data\.label=NAME"):
        read_any(tmp_path)
    with pytest.raises(UserError, match="holds no folders of recordings"):
        class_folders.read(tmp_path / "happy", "emotion")


def labels(root, name: str = "labels.csv"):
    for each in ("a", "b"):
        record(root / "wavs" / f"{each}.wav")
    return write_lines(root / name, "file,Emotion,speaker,note", "a.wav,anger,s1,loud", "b.wav,joy,s2,")


def test_a_table_without_transcripts(tmp_path):
    labels(tmp_path)
    reading = read_any(tmp_path)
    assert "read as label_tables," in reading.note
    a, b = reading
    assert (a.about, a.speaker, b.about) == ({"emotion": "anger", "note": "loud"}, "s1", {"emotion": "joy"})
    loaded = everything([a, b], target_of=emotion_of)
    assert not loaded.rejected and len(loaded.splits["train"]) == 2
    with pytest.raises(CorpusError) as caught:
        everything([a, b])
    refused = caught.value.rejected
    assert {each.reason for each in refused} == {"transcript_missing"}
    assert "labels.csv has no column for transcripts" in refused[0].detail and "task=classify" in refused[0].remedy


def test_transcripts_come_before_labels(tmp_path):
    pair(tmp_path, "a", "good morning")
    labels(tmp_path)
    assert "read as folder," in read_any(tmp_path).note
    assert "read as label_tables," in read_any(tmp_path / "labels.csv").note


def test_a_table_that_names_no_recording_is_none(tmp_path):
    write_lines(tmp_path / "people.csv", "id,age", "anna,30")
    with pytest.raises(UserError, match="Looked for"):
        read_any(tmp_path)


def test_a_table_with_an_open_quote_is_refused(tmp_path):
    record(tmp_path / "a.wav")
    write_lines(tmp_path / "metadata.csv", "file,text", 'a.wav,"open' + 200_000 * "x")
    with pytest.raises(UserError, match=r"metadata\.csv: no table .*mend its quotes"):
        list(read_any(tmp_path))


def test_recordings_without_transcripts_have_labels(tmp_path):
    pair(tmp_path / "anna", "one")
    record(tmp_path / "ben" / "two.wav")
    pair(tmp_path / "cleo", "three", "caf\xe9".encode("latin1"))
    found = list(read_any(tmp_path))
    assert len(everything(found).splits["train"]) == 1
    loaded = everything(found, target_of=lambda known: known.speaker)
    assert {cut.supervisions[0].text for cut in loaded.splits["train"]} == {"anna", "ben", "cleo"}
    assert not loaded.rejected


def test_columns_of_kaldi(tmp_path):
    record(tmp_path / "a.wav")
    write_lines(tmp_path / "wav.scp", "u1 a.wav", "u2 a.wav")
    write_lines(tmp_path / "utt2spk", "u1 anna", "u2 ben")
    write_lines(tmp_path / "spk2utt", "anna u1", "ben u2")
    write_lines(tmp_path / "spk2gender", "anna f")
    write_lines(tmp_path / "utt2emo", "u1 anger", "u2 fear")
    write_lines(tmp_path / "utt2lang", "u2 de")
    write_lines(tmp_path / "utt2dur", "u1 0.5")
    found = list(read_any(tmp_path))
    assert [each.about for each in found] == [
        {"gender": "f", "emotion": "anger"},
        {"emotion": "fear", "language": "de"},
    ]
    assert {each.rejection.reason for each in found} == {"transcript_missing"}
    kept = everything(found, target_of=lambda known: known.about["emotion"]).splits["train"]
    assert [cut.supervisions[0].text for cut in kept] == ["anger", "fear"]


def test_a_nemo_manifest_of_labels(tmp_path):
    record(tmp_path / "a.wav")
    write_lines(tmp_path / "m.json", {"audio_filepath": "a.wav", "label": "yes", "duration": 0.5, "lang": "en"})
    (utterance,) = read_any(tmp_path)
    assert (utterance.text, utterance.about) == (None, {"label": "yes", "lang": "en"})


def test_values_and_columns_are_bounded():
    kept = kept_about([("long", "x" * 999), ("none", None), ("empty", " "), ("number", 0), ("list", [1])])
    assert kept == {"long": "x" * LONGEST_VALUE, "number": "0"}
    assert len(kept_about((str(number), number) for number in range(6373))) == MOST_COLUMNS
    assert kept_about([("a", "\ud800")]) == {"a": "?"}
