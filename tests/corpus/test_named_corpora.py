"""Corpora whose names and tables tell everything: what is known of an utterance, in the same words in all of them."""

import csv

import pytest

from asr.corpus.readers import crema_d, emodb, fsdd, librispeech, ravdess, vctk, voxceleb
from asr.errors import UserError
from tests.corpus.recordings import corpus, record, write_lines
from tests.corpus.test_real_corpora import folder

EMOTIONS = {"neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise", "boredom"}


@pytest.fixture
def crema(tmp_path):
    for name in ("1001_DFA_ANG_XX", "1002_IEO_HAP_HI", "1040_ITH_SAD_X"):
        record(tmp_path / "AudioWAV" / f"{name}.wav")
    actors = '1001,51,"Male","Caucasian","Not Hispanic"', '1002,21,"Female","African American","Hispanic"'
    write_lines(tmp_path / "VideoDemographics.csv", '"ActorID","Age","Sex","Race","Ethnicity"', *actors)
    return tmp_path


def test_crema_d(crema):
    first, second, third = crema_d.read(crema)
    assert (first.id, first.speaker, first.text, first.split) == (
        *("1001_DFA_ANG_XX", "1001", "Don't forget a jacket", None),
    )
    assert first.about == {
        **{"emotion": "anger", "intensity": "unspecified", "gender": "m", "age": "51", "race": "Caucasian"},
        **{"ethnicity": "Not Hispanic", "sentence": "DFA"},
    }
    assert (second.about["emotion"], second.about["intensity"], second.about["gender"]) == ("happiness", "high", "f")
    assert third.about == {"emotion": "sadness", "intensity": "unspecified", "sentence": "ITH"}
    assert [each.about.get("age") for each in crema_d.read(crema / "AudioWAV")] == ["51", "21", None]
    assert [each.split for each in crema_d.read(crema, held_out_speaker="1002")] == ["train", "test", "train"]
    with pytest.raises(UserError, match=r"1001_DFA_ANG_XX\.wav"):
        list(crema_d.read(crema.parent))


def test_every_name_and_actor_of_crema_d_is_understood():
    source = folder("crema-d")
    with open(source / "SentenceFilenames.csv", newline="") as lines:
        names = [crema_d.NAME.fullmatch(row["Filename"]) for row in csv.DictReader(lines)]
    assert len(names) == 7442 and all(names)
    assert {name[2] for name in names} == set(crema_d.SENTENCES)
    actors = crema_d._actors(source)
    assert set(actors) == {name[1] for name in names} and len(actors) == 91
    genders = [actor["gender"] for actor in actors.values()]
    assert (genders.count("m"), genders.count("f")) == (48, 43)


def vctk_folder(root, audio: str, ids: tuple[str, str]):
    write_lines(root / "txt" / "p225" / "p225_001.txt", "Please call Stella.")
    header = "ID  AGE  GENDER  ACCENTS  REGION COMMENTS "
    people = f"{ids[0]}  23  F    English    Southern  England", f"{ids[1]}  25  M  Unknown  (mic2 files unavailable)"
    write_lines(root / "speaker-info.txt", header, *people)
    for name in ("p225/p225_001", "p225/p225_002"):
        for end in ("_mic1.flac", "_mic2.flac") if "trimmed" in audio else (".wav",):
            record(root / audio / f"{name}{end}")
    return root


@pytest.mark.parametrize(
    ("audio", "ids", "suffix", "note"),
    [
        ("wav48_silence_trimmed", ("p225", "p280"), "_mic1", "2 recordings of mic1; left out: 2 of mic2"),
        ("wav48", ("225", "280"), "", "2 recordings"),
    ],
)
def test_vctk(tmp_path, audio, ids, suffix, note):
    reading = vctk.read(vctk_folder(tmp_path, audio, ids))
    assert reading.note == f"{tmp_path}: {note}"
    spoken, silent = reading
    assert (spoken.id, spoken.speaker, spoken.text) == (f"p225_001{suffix}", "p225", "Please call Stella.")
    assert {name: spoken.about[name] for name in ("gender", "age", "accent", "region")} == {
        **{"gender": "f", "age": "23", "accent": "English", "region": "Southern England"},
    }
    assert silent.rejection.reason == "transcript_missing"
    assert vctk._speakers(tmp_path / "speaker-info.txt")["p280"] == {"gender": "m", "age": "25", "accent": "Unknown"}


def test_the_other_microphone_of_vctk(tmp_path):
    source = vctk_folder(tmp_path, "wav48_silence_trimmed", ("p225", "p280"))
    assert [each.id for each in vctk.read(source, "mic2")] == ["p225_001_mic2", "p225_002_mic2"]
    with pytest.raises(UserError, match="mic1 or mic2 is wanted"):
        vctk.read(source, "mic3")


@pytest.fixture
def celebrities(tmp_path):
    recordings = ("id10001/aaa/00001", "id10001/bbb/00001", "id10270/ccc/00002", "id10270/ccc/00003")
    for name in recordings:
        record(tmp_path / "wav" / f"{name}.wav")
    people = "id10001\tA.J._Buckley\tm\tIreland\tdev", "id10270\tEartha_Kitt\tf\tUSA\ttest"
    write_lines(tmp_path / "vox1_meta.csv", "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet", *people)
    return tmp_path


def test_voxceleb_for_identification(celebrities):
    names = (
        "1 id10001/aaa/00001.wav",
        "2 id10001/bbb/00001.wav",
        "3 id10270/ccc/00002.wav",
        "1 id10001/gone/00001.wav",
    )
    write_lines(celebrities / "iden_split.txt", *names)
    reading = voxceleb.read(celebrities)
    assert "1 that it lists are not there, 1 that it does not list are left out" in reading.note
    found = list(reading)
    assert [(each.id, each.split) for each in found] == [
        *[("id10001/aaa/00001", "train"), ("id10001/bbb/00001", "dev"), ("id10270/ccc/00002", "test")],
    ]
    assert (found[0].speaker, found[0].text, found[0].rejection) == ("id10001", None, None)
    assert found[0].about == {"gender": "m", "nationality": "Ireland", "session": "aaa"}


def test_voxceleb_for_verification_or_as_it_comes(celebrities):
    assert [each.split for each in voxceleb.read(celebrities, "verification")] == ["train", "train", "test", "test"]
    drawn = voxceleb.read(celebrities)
    assert "no iden_split.txt in it" in drawn.note and {each.split for each in drawn} == {None}
    write_lines(celebrities / "mine.txt", "4 id10001/aaa/00001.wav")
    with pytest.raises(UserError, match=r"mine\.txt, line 1: not 1, 2 or 3"):
        voxceleb.read(celebrities, iden_split=str(celebrities / "mine.txt"))


def test_speakers_of_voxceleb_are_told_without_transcripts(celebrities):
    found = voxceleb.read(celebrities)
    loaded = corpus(found, target_of=lambda known: known.speaker, dev_fraction=0, test_fraction=0)
    assert [cut.supervisions[0].text for cut in loaded.splits["train"]] == 2 * ["id10001"] + 2 * ["id10270"]


def test_librispeech_knows_genders_and_chapters(tmp_path):
    chapter = tmp_path / "test-clean" / "61" / "70968"
    record(chapter / "61-70968-0000.flac")
    write_lines(chapter / "61-70968-0000.trans.txt", "61-70968-0000 HE BEGAN")
    write_lines(tmp_path / "SPEAKERS.TXT", "; a remark | F", "61   | M | test-clean       |  8.08 | Paul-Gabriel")
    (utterance,) = librispeech.read(tmp_path)
    assert utterance.about == {"gender": "m", "session": "61-70968"}


def test_names_of_emodb_ravdess_and_fsdd(tmp_path):
    record(tmp_path / "emodb" / "wav" / "08b03Tb.wav")
    (spoken,) = emodb.read(tmp_path / "emodb")
    assert spoken.about == {"emotion": "sadness", "gender": "f", "age": "34", "sentence": "b03", "take": "b"}
    record(tmp_path / "ravdess" / "Actor_07" / "03-01-04-01-02-01-07.wav")
    (spoken,) = ravdess.read(tmp_path / "ravdess")
    assert spoken.about == {
        **{"emotion": "sadness", "intensity": "normal", "gender": "m", "sentence": "02", "repetition": "01"}
    }
    assert (spoken.speaker, spoken.text) == ("07", "Dogs are sitting by the door")
    record(tmp_path / "fsdd" / "recordings" / "7_jackson_32.wav")
    (spoken,) = fsdd.read(tmp_path / "fsdd")
    assert spoken.about == {"digit": "7", "gender": "m", "accent": "American"}


def test_emotions_have_the_same_names_everywhere():
    for reader in (crema_d, emodb, ravdess):
        assert set(reader.EMOTIONS.values()) <= EMOTIONS
