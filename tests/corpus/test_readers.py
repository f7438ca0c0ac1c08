"""Every form that a source may come in is recognised, and read with its texts, speakers, splits and faults."""

import json

import pytest
from lhotse import CutSet, MonoCut, MultiCut, Recording, SupervisionSegment

from asr.corpus.cuts import about
from asr.corpus.readers import detect, folder, kaldi
from asr.corpus.readers.detect import read_any
from asr.corpus.utterance import Utterance
from asr.errors import UserError
from tests.corpus.recordings import RATE, corpus, pair, record, reverberation_by_command, tone, write_lines


def taken(source, form: str) -> dict:
    """{id: utterance} of a source that must be recognised as `form`."""
    reading = read_any(source)
    assert f"read as {form}," in reading.note
    return {utterance.id: utterance for utterance in reading}


def reasons(utterances: dict) -> dict[str, str]:
    return {name: utterance.rejection.reason for name, utterance in utterances.items() if utterance.rejection}


def test_folder(tmp_path):
    pair(tmp_path / "train" / "anna", "one", " good \n morning ")
    pair(tmp_path / "train", "two")
    pair(tmp_path / "valid" / "home" / "ben", "three.1")
    record(tmp_path / "test" / "four.FLAC", format="FLAC")
    write_lines(tmp_path / "test" / "five.txt", "no recording")
    write_lines(tmp_path / "test" / "README.txt", "about this corpus")
    pair(tmp_path / "test", "six", "caf\xe9".encode("latin1"))
    pair(tmp_path / "test", "seven", b"\xef\xbb\xbfmarked")
    pair(tmp_path / ".hidden", "eight")
    found = taken(tmp_path, "folder")
    assert set(found) == {
        *("train/anna/one", "train/two", "valid/home/ben/three.1"),
        *("test/four", "test/five", "test/six", "test/seven"),
    }
    assert found["train/anna/one"].text == "good morning"
    assert (found["train/anna/one"].speaker, found["train/anna/one"].split) == ("anna", "train")
    assert found["train/two"].speaker is None
    assert (found["valid/home/ben/three.1"].speaker, found["valid/home/ben/three.1"].split) == ("ben", "dev")
    assert found["test/seven"].text == "marked"
    assert reasons(found) == {
        "test/four": "transcript_missing",
        "test/five": "audio_missing",
        "test/six": "transcript_not_utf8",
    }
    assert "iconv" in found["test/six"].rejection.remedy
    assert "six.txt" in found["test/six"].rejection.detail


def test_flat_folder_has_no_speakers_and_no_splits(tmp_path):
    pair(tmp_path, "one")
    assert [(u.speaker, u.split) for u in folder.read(tmp_path)] == [(None, None)]


def test_kaldi(tmp_path):
    record(tmp_path / "wav" / "r1.wav", tone(2.0))
    for split in ("train", "dev"):
        write_lines(tmp_path / split / "wav.scp", f"{split}-r1\twav/r1.wav")
    write_lines(tmp_path / "train" / "segments", "u1 train-r1 0.0 0.5", "u2 train-r1 0.5 -1", "u3 train-r1 1.5 1.75")
    write_lines(tmp_path / "train" / "text", "u1 good morning", "u2\tgood evening", "u4 lost")
    write_lines(tmp_path / "train" / "utt2spk", "u1 anna", "u2 ben")
    write_lines(tmp_path / "dev" / "text", "dev-r1 hello")
    found = taken(tmp_path, "kaldi")
    assert {name: (u.text, u.start, u.duration, u.speaker, u.split) for name, u in found.items()} == {
        "u1": ("good morning", 0.0, 0.5, "anna", "train"),
        "u2": ("good evening", 0.5, None, "ben", "train"),
        "u3": (None, 1.5, 0.25, None, "train"),
        "u4": ("lost", 0.0, None, None, "train"),
        "dev-r1": ("hello", 0.0, None, None, "dev"),
    }
    assert reasons(found) == {"u3": "transcript_missing", "u4": "audio_missing"}
    assert "text, line 3" in found["u4"].rejection.detail
    loaded = corpus(found.values(), splits=["train"], test_fraction=0)
    lengths = {cut.id: cut.num_samples for cut in loaded.splits["train"]}
    assert lengths == {"u1": RATE // 2, "u2": 3 * RATE // 2}


def test_kaldi_single_directory_and_bad_utf8(tmp_path):
    record(tmp_path / "a.wav")
    write_lines(tmp_path / "wav.scp", f"a {tmp_path / 'a.wav'}")
    (tmp_path / "text").write_bytes("a caf\xe9\n".encode("latin1"))
    found = taken(tmp_path, "kaldi")
    assert reasons(found) == {"a": "transcript_not_utf8"}
    assert "line 1" in found["a"].rejection.detail


@pytest.mark.parametrize("line", ["a touch {0}/ran |", "a sph2pipe -f wav x.sph |", "a raw.ark:17"])
def test_kaldi_commands_are_refused_and_never_run(tmp_path, line):
    write_lines(tmp_path / "wav.scp", line.format(tmp_path))
    write_lines(tmp_path / "text", "a hello")
    with pytest.raises(UserError, match=r"wav\.scp, line 1 \(a\)"):
        list(kaldi.read(tmp_path))
    assert not (tmp_path / "ran").exists()


def test_kaldi_malformed_segment(tmp_path):
    write_lines(tmp_path / "wav.scp", "r r.wav")
    write_lines(tmp_path / "text", "a hello")
    write_lines(tmp_path / "segments", "a r 2.0 1.0")
    with pytest.raises(UserError, match="segments, line 1"):
        list(kaldi.read(tmp_path))


def test_librispeech(tmp_path):
    for subset, name in (("train-clean-100", "19-198"), ("dev-clean", "84-121"), ("test-other", "61-7")):
        chapter = tmp_path / subset / name.replace("-", "/")
        record(chapter / f"{name}-0000.flac")
        write_lines(chapter / f"{name}.trans.txt", f"{name}-0000 HELLO THERE", f"{name}-0001 GONE")
    record(tmp_path / "test-other" / "61" / "7" / "61-7-0002.flac")
    found = taken(tmp_path, "librispeech")
    assert found["19-198-0000"].text == "HELLO THERE"
    assert [found[f"{name}-0000"].split for name in ("19-198", "84-121", "61-7")] == ["train", "dev", "test"]
    assert found["84-121-0000"].speaker == "84"
    assert reasons(found)["19-198-0001"] == "audio_missing"
    assert reasons(found)["61-7-0002"] == "transcript_missing"


def test_ljspeech(tmp_path):
    record(tmp_path / "wavs" / "LJ001-0001.wav")
    write_lines(
        tmp_path / "metadata.csv", 'LJ001-0001|He said "12".|He said "twelve".', "LJ001-0002|Gone|Gone", "just a line"
    )
    found = taken(tmp_path, "tables")
    assert found["LJ001-0001"].text == 'He said "twelve".'
    assert found["LJ001-0001"].audio == tmp_path / "wavs" / "LJ001-0001.wav"
    assert reasons(found) == {"just a line": "manifest_line"}
    assert "metadata.csv, line 3" in found["just a line"].rejection.detail
    assert {r.id: r.reason for r in corpus(found.values(), dev_fraction=0, test_fraction=0).rejected} == {
        "LJ001-0002": "audio_missing",
        "just a line": "manifest_line",
    }


HEADERS = ["file,text,speaker,split", "audio;transcript;speaker_id;split", "path,sentence,spk,split"]


@pytest.mark.parametrize("header", HEADERS)
def test_plain_table(tmp_path, header):
    delimiter = ";" if ";" in header else ","
    record(tmp_path / "audio" / "a.wav")
    row = ("audio/a.wav", '"Yes, it is; see."', "anna", "validation")
    write_lines(tmp_path / "list.csv", header, delimiter.join(row))
    (utterance,) = taken(tmp_path, "tables").values()
    assert (utterance.text, utterance.speaker, utterance.split) == ("Yes, it is; see.", "anna", "dev")
    assert utterance.audio == tmp_path / "audio" / "a.wav"
    assert taken(tmp_path / "list.csv", "tables").keys() == {"audio/a"}


def test_nemo(tmp_path):
    record(tmp_path / "a.wav", tone(2.0))
    entry = {"audio_filepath": "a.wav", "text": "hello", "duration": 0.5, "offset": 1.0, "speaker": 7}
    write_lines(tmp_path / "train_manifest.json", entry, {"audio_filepath": str(tmp_path / "a.wav"), "text": "all"})
    broken = ('{"audio_filepath": "a.w', {"text": "x"}, {**entry, "duration": -1})
    write_lines(tmp_path / "manifest_test.jsonl", *broken, entry)
    found = taken(tmp_path, "nemo")
    assert (found["a-1.000"].start, found["a-1.000"].duration, found["a-1.000"].speaker) == (1.0, 0.5, "7")
    assert found["a"].split == "train"
    assert found["a"].duration is None
    assert reasons(found) == dict.fromkeys((f"manifest_test-line-{n}" for n in (1, 2, 3)), "manifest_line")
    assert "audio_filepath" in found["manifest_test-line-2"].rejection.detail
    assert taken(tmp_path / "train_manifest.json", "nemo")["a"].split is None


def cut_of(path, name: str, channels: int = 1, **span) -> MonoCut:
    recording = Recording.from_file(path, recording_id=name)
    start, duration = span.get("start", 0.0), span.get("duration", recording.duration)
    kind, channel = (MultiCut, list(range(channels))) if channels > 1 else (MonoCut, 0)
    said = SupervisionSegment(name, name, 0.0, duration, channel=channel, text=f"text of {name}", speaker="anna")
    return kind(name, start, duration, channel, supervisions=[said], recording=recording)


def test_cutset(tmp_path):
    path = record(tmp_path / "a.wav", tone(2.0))
    stereo = record(tmp_path / "b.wav", tone(1.0)[:, None].repeat(2, axis=1))
    cuts = [
        cut_of(path, "whole"),
        cut_of(path, "part", start=0.5, duration=1.0),
        cut_of(stereo, "both", channels=2),
        cut_of(path, "fast").perturb_speed(1.1),
        cut_of(path, "mixed").append(cut_of(path, "other")),
    ]
    CutSet.from_cuts(cuts).to_file(tmp_path / "c_cuts_train.jsonl.gz")
    CutSet.from_cuts([cut_of(path, "held out")]).to_file(tmp_path / "c_cuts_test.jsonl.gz")
    found = taken(tmp_path, "cutset")
    assert (found["part"].start, found["part"].duration) == (0.5, 1.0)
    assert (found["whole"].split, found["held out"].split) == ("train", "test")
    loaded = corpus(found.values(), splits=["train"], dev_fraction=0)
    lengths = {cut.id: cut.num_samples for cut in loaded.splits["train"]}
    assert lengths == {"whole": 2 * RATE, "part": RATE, "both": RATE, "fast_sp1.1": round(2 * RATE / 1.1)}
    assert [rejection.reason for rejection in loaded.rejected] == ["audio_unreadable"]
    assert "save_audios" in loaded.rejected[0].remedy


def test_cutset_with_commands_is_not_run(tmp_path):
    cut = cut_of(record(tmp_path / "a.wav"), "a").to_dict()
    cut["recording"]["sources"][0] |= {"type": "command", "source": f"touch {tmp_path / 'ran'}"}
    write_lines(tmp_path / "cuts.jsonl", cut, "{broken")
    found = taken(tmp_path / "cuts.jsonl", "cutset")
    assert reasons(found) == {"a": "audio_unreadable", "cuts-line-2": "manifest_line"}
    assert not (tmp_path / "ran").exists()


def test_cutset_with_commands_in_its_effects_is_not_run(tmp_path):
    cut = cut_of(record(tmp_path / "a.wav"), "a").to_dict()
    cut["recording"]["transforms"] = [reverberation_by_command(f"touch {tmp_path / 'ran'}")]
    write_lines(tmp_path / "cuts.jsonl", cut, cut_of(tmp_path / "a.wav", "b").to_dict())
    found = taken(tmp_path / "cuts.jsonl", "cutset")
    corpus(found.values(), splits=["train"], dev_fraction=0, test_fraction=0)
    assert reasons(found) == {"a": "audio_unreadable"}
    assert not (tmp_path / "ran").exists()


def test_shar(tmp_path):
    path = record(tmp_path / "a.wav", tone(2.0))
    cuts = CutSet.from_cuts([cut_of(path, "whole"), cut_of(path, "part", start=0.5, duration=1.0)])
    (tmp_path / "shar").mkdir()
    cuts.to_shar(tmp_path / "shar", fields={"recording": "flac"}, shard_size=1)
    path.unlink()
    found = taken(tmp_path / "shar", "shar")
    loaded = corpus(found.values(), dev_fraction=0, test_fraction=0)
    assert {cut.id: cut.num_samples for cut in loaded.splits["train"]} == {"whole": 2 * RATE, "part": RATE}
    assert loaded.rejected == []


def test_what_is_looked_for_is_named(tmp_path):
    write_lines(tmp_path / "notes.md", "nothing to hear")
    with pytest.raises(UserError) as caught:
        read_any(tmp_path)
    for reader in detect.all_readers():
        assert reader.FORM in str(caught.value)


def test_a_mistyped_path_names_the_nearest(tmp_path):
    (tmp_path / "recordings").mkdir()
    with pytest.raises(UserError, match=rf"did you mean {tmp_path}/recordings\?"):
        read_any(tmp_path / "recordngs")
    with pytest.raises(UserError, match="recordings"):
        read_any(tmp_path / "recording" / "deeper")


def test_a_source_that_is_empty_json(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({"not": "a manifest"}))
    with pytest.raises(UserError, match="Looked for"):
        read_any(tmp_path / "x.json")


def test_what_tables_and_manifests_know_of_speakers(tmp_path):
    record(tmp_path / "clips" / "a.wav", tone(0.5))
    record(tmp_path / "clips" / "b.wav", tone(0.5))
    write_lines(
        tmp_path / "train.tsv", "path\tsentence\tage\tup_votes\tgender", "a.wav\tone\ttwenties\t2\tf", "b.wav\ttwo"
    )
    assert [utterance.about for utterance in read_any(tmp_path)] == [
        {"age": "twenties", "up_votes": "2", "gender": "f"},
        {},
    ]
    entry = {"audio_filepath": "clips/a.wav", "text": "one", "age": 30, "emotion": None, "score": 0.5}
    write_lines(tmp_path / "manifest.jsonl", entry)
    assert [utterance.about for utterance in read_any(tmp_path / "manifest.jsonl")] == [{"age": "30", "score": "0.5"}]


def test_what_is_known_of_a_speaker_is_known_of_the_cut(tmp_path):
    known = {"gender": "f", "age": "30", "emotion": "joy"}
    utterance = Utterance("u", record(tmp_path / "u.wav", tone(0.5)), "One.", speaker="s", split="train", about=known)
    (cut,) = corpus([utterance], dev_fraction=0, test_fraction=0).splits["train"]
    assert about(cut.supervisions[0]) == known
