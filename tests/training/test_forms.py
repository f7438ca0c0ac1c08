"""train.py on every form of data.source, from a folder that a test builds, to a score on its test split."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile
from lhotse import CutSet

from asr.use.load import load
from tests.commands import run, train
from tests.corpus.recordings import RATE, record, tone, write_lines
from tests.corpus.test_readers import cut_of

TEXTS = {
    "german": ("Füße über Öl", "Straße"),
    "vietnamese": ("xin chào thế giới", "tiếng Việt"),
    "greek": ("Καλημέρα σου", "νερό"),
    "russian": ("доброе утро", "ёж"),
    "hindi": ("नमस्ते दुनिया", "पानी"),
    "japanese": ("こんにちは", "水を飲む"),
    "arabic": ("صباح الخير", "ماء"),
}


@dataclass(frozen=True)
class Spoken:
    """One utterance to be written in some form."""

    name: str
    text: str
    speaker: str
    split: str
    seconds: float


def spoken(texts=("good morning", "yes"), speakers=("anna", "ben", "cleo", "dan", "eve", "finn")) -> list[Spoken]:
    splits = {"eve": "dev", "finn": "test"}
    return [
        Spoken(f"{speaker}-{number}", text, speaker, splits.get(speaker, "train"), 0.8 + 0.3 * number)
        for speaker in speakers
        for number, text in enumerate(texts)
    ]


def folder_of_pairs(root: Path) -> None:
    for each in spoken():
        path = record(root / each.split / each.speaker / f"{each.name}.wav", tone(each.seconds))
        path.with_suffix(".txt").write_text(each.text, encoding="utf-8")


def flat_folder(root: Path) -> None:
    for each in spoken():
        record(root / f"{each.name}.wav", tone(each.seconds))
        (root / f"{each.name}.txt").write_text(each.text, encoding="utf-8")


def ljspeech(root: Path) -> None:
    for each in spoken():
        record(root / "wavs" / f"{each.name}.wav", tone(each.seconds))
    write_lines(root / "metadata.csv", *(f"{each.name}|{each.text}|{each.text}" for each in spoken()))


def common_voice(root: Path) -> None:
    for split in ("train", "dev", "test"):
        mine = [each for each in spoken() if each.split == split]
        for each in mine:
            record(root / "clips" / f"{each.name}.mp3", tone(each.seconds))
        rows = [f"{each.speaker}\t{each.name}.mp3\t{each.text}" for each in mine]
        write_lines(root / f"{split}.tsv", "client_id\tpath\tsentence", *rows)


def librispeech(root: Path) -> None:
    subsets = {"train": "train-clean-5", "dev": "dev-clean", "test": "test-clean"}
    for number, each in enumerate(spoken()):
        speaker = str(100 + ord(each.speaker[0]))
        chapter = root / subsets[each.split] / speaker / "7"
        record(chapter / f"{speaker}-7-{number:04d}.flac", tone(each.seconds))
        with open(chapter / f"{speaker}-7.trans.txt", "a", encoding="utf-8") as file:
            file.write(f"{speaker}-7-{number:04d} {each.text.upper()}\n")


def kaldi(root: Path) -> None:
    for split in ("train", "dev", "test"):
        mine = [each for each in spoken() if each.split == split]
        paths = [record(root / "wav" / f"{each.name}.wav", tone(each.seconds)) for each in mine]
        write_lines(root / split / "wav.scp", *(f"{e.name} {path}" for e, path in zip(mine, paths, strict=True)))
        write_lines(root / split / "text", *(f"{each.name} {each.text}" for each in mine))
        write_lines(root / split / "utt2spk", *(f"{each.name} {each.speaker}" for each in mine))


def nemo(root: Path) -> None:
    for split in ("train", "dev", "test"):
        lines = []
        for each in (each for each in spoken() if each.split == split):
            path = record(root / f"{each.name}.wav", tone(each.seconds))
            lines.append({"audio_filepath": path.name, "text": each.text, "duration": each.seconds})
        write_lines(root / f"{split}_manifest.jsonl", *lines)


def cutset(root: Path) -> None:
    for split in ("train", "dev", "test"):
        mine = [each for each in spoken() if each.split == split]
        cuts = [cut_of(record(root / f"{each.name}.wav", tone(each.seconds)), each.name) for each in mine]
        CutSet.from_cuts(cuts).to_file(root / f"cuts_{split}.jsonl.gz")


def shar(root: Path) -> None:
    for split in ("train", "dev", "test"):
        mine = [each for each in spoken() if each.split == split]
        (root / split).mkdir(parents=True)
        cuts = [cut_of(record(root / "made" / f"{each.name}.wav", tone(each.seconds)), each.name) for each in mine]
        CutSet.from_cuts(cuts).to_shar(root / split, fields={"recording": "flac"}, shard_size=4)


def long_recordings(root: Path) -> None:
    for split in ("train", "dev", "test"):
        record(root / split / "talk.wav", tone(12.0))
        cues = [f"{n + 1}\n00:00:{2 * n:02d},000 --> 00:00:{2 * n + 1:02d},500\ngood day\n" for n in range(5)]
        (root / split / "talk.srt").write_text("\n".join(cues), encoding="utf-8")


FORMS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "pairs": ("folder", folder_of_pairs),
    "flat": ("folder", flat_folder),
    "ljspeech": ("tables", ljspeech),
    "common voice": ("tables", common_voice),
    "librispeech": ("librispeech", librispeech),
    "kaldi": ("kaldi", kaldi),
    "nemo": ("nemo", nemo),
    "cutset": ("cutset", cutset),
    "shar": ("shar", shar),
    "long": ("segments", long_recordings),
}


def scored(run_dir: Path) -> dict:
    return json.loads((run_dir / "metrics.json").read_text())["test"]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_trains(tmp_path, name):
    form, make = FORMS[name]
    source = tmp_path / "my recordings"
    source.mkdir()
    make(source)
    done = train(source, tmp_path / "run")
    assert done.status == 0, done.err
    assert f"read as {form}," in done.err
    assert scored(tmp_path / "run")["words"] > 0


def test_nested_folders_strange_names_and_every_codec(tmp_path):
    names = ("été à la mer", "日本 語", "Ω — 1", "a.b.c", "plain", "UPPER")
    suffixes = (".wav", ".FLAC", ".mp3", ".opus", ".WAV", ".ogg", ".aiff")
    for number, each in enumerate(spoken(("good morning", "yes", "well now"))):
        folder = tmp_path / "in" / each.split / "deeper level" / each.speaker
        folder.mkdir(parents=True, exist_ok=True)
        suffix = suffixes[number % len(suffixes)]
        stem = f"{names[number % len(names)]} {number}"
        kind = {".opus": ("OGG", "OPUS"), ".ogg": ("OGG", "VORBIS"), ".mp3": ("MP3", None), ".aiff": ("AIFF", None)}
        form, subtype = kind.get(suffix.lower(), (suffix[1:].upper(), None))
        soundfile.write(str(folder / f"{stem}{suffix}"), tone(each.seconds), RATE, format=form, subtype=subtype)
        (folder / f"{stem}.txt").write_text(each.text, encoding="utf-8")
    done = train(tmp_path / "in", tmp_path / "run")
    assert done.status == 0, done.err
    assert (tmp_path / "run" / "rejected.jsonl").read_text() == ""
    assert "train 12 utterances" in " ".join(done.err.split())


@pytest.mark.parametrize("language", TEXTS)
def test_letters_of_every_script_come_through(tmp_path, language):
    for each in spoken(TEXTS[language]):
        path = record(tmp_path / "in" / each.split / each.speaker / f"{each.name}.wav", tone(each.seconds))
        path.with_suffix(".txt").write_text(each.text, encoding="utf-8")
    done = train(tmp_path / "in", tmp_path / "run", "data.max_rejected=0")
    assert done.status == 0, done.err
    letters = {c for text in TEXTS[language] for c in text.lower()}
    tokenizer = load(tmp_path / "run" / "model").tokenizer
    assert letters <= tokenizer.characters | {" "}
    for text in TEXTS[language]:
        assert tokenizer.decode(tokenizer.encode(text.lower())) == text.lower()
    lines = [json.loads(line) for line in (tmp_path / "run" / "hypotheses.jsonl").read_text("utf-8").splitlines()]
    assert {line["reference"] for line in lines} == {text.lower() for text in TEXTS[language]}


def test_a_file_name_that_is_not_utf8(tmp_path):
    for each in spoken():
        path = record(tmp_path / "in" / each.split / each.speaker / f"{each.name}.wav", tone(each.seconds))
        path.with_suffix(".txt").write_text(each.text, encoding="utf-8")
    strange = str(tmp_path / "in" / "train" / "anna").encode() + b"/caf\xe9"
    for suffix in (b".wav", b".txt"):
        with open(strange + suffix, "wb") as file:
            file.write((tmp_path / "in" / "train" / "anna" / f"anna-0{suffix.decode()}").read_bytes())
    done = train(tmp_path / "in", tmp_path / "run", "data.max_rejected=0.2")
    assert done.status == 0, done.err
    examined = run("asr", "doctor", tmp_path / "in", "--out-dir", tmp_path / "doctor")
    assert examined.status == 0, examined.err
    prepared = run("asr", "prepare", "default", tmp_path / "in", tmp_path / "prepared")
    assert prepared.status == 0, prepared.err
