"""Faults planted into real speech are found and rightly named, and nothing else is said of the other recordings."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import torchaudio

from asr.audio.recording import load_audio
from asr.corpus.readers.detect import read_any
from tests.commands import run

DATA = os.environ.get("ASR_TEST_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="ASR_TEST_DATA names no folder of real recordings")
RATE = 16000
SPEAKERS, EACH = 24, 8


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    """Real utterances as a folder: <split>/<speaker>/<id>.wav with .txt beside it, no sentence in two splits."""
    folder = tmp_path_factory.mktemp("speech")
    by_speaker: dict[str, list] = {}
    for utterance in read_any(Path(DATA) / "speechocean762"):
        if utterance.split == "train":
            by_speaker.setdefault(utterance.speaker, []).append(utterance)
    seen: set[str] = set()
    for number, (speaker, utterances) in enumerate(sorted(by_speaker.items())[:SPEAKERS]):
        split = "test" if number >= SPEAKERS - 2 else "dev" if number >= SPEAKERS - 4 else "train"
        fresh = [each for each in utterances if each.text not in seen][:EACH]
        seen.update(each.text for each in fresh)
        for each in fresh:
            path = folder / split / speaker / f"{each.id}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, load_audio(each.audio).samples, RATE)
            path.with_suffix(".txt").write_text(each.text, "utf-8")
    return folder


def examine(source: Path, out_dir: Path, *overrides: str) -> dict[str, set[str]]:
    """{kind: the utterances it was found in, each once} ('' for the corpus), through the command."""
    done = run("asr", "doctor", source, "--out-dir", out_dir, *overrides)
    assert done.status == 0, done.err
    assert (out_dir / "report.html").stat().st_size > 5_000
    found: dict[str, set[str]] = {}
    for line in map(json.loads, (out_dir / "findings.jsonl").read_text("utf-8").splitlines()):
        assert set(line) == {"kind", "utterance", "value", "remedy"}
        names = found.setdefault(line["kind"], set())
        assert not line["utterance"] or line["utterance"] not in names, line
        names.add(line["utterance"])
    return found


def change(alter: Callable[[np.ndarray], np.ndarray], rate: int = RATE) -> Callable[[Path], None]:
    def plant(path: Path) -> None:
        soundfile.write(path, alter(soundfile.read(path, dtype="float32")[0]), rate)

    return plant


def say(text: str) -> Callable[[Path], None]:
    return lambda path: path.with_suffix(".txt").write_text(text, "utf-8") and None


def band_limit(samples: np.ndarray) -> np.ndarray:
    low = torchaudio.functional.resample(torch.from_numpy(samples), RATE, 8000)
    return torchaudio.functional.resample(low, 8000, RATE).numpy()


def add_noise(samples: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    return 0.5 * (samples + noise * np.sqrt(np.mean(samples**2)))


def pause(samples: np.ndarray) -> np.ndarray:
    """Thirty seconds of the recording's own noise in the middle of it."""
    frames = samples[: len(samples) // 400 * 400].reshape(-1, 400)
    silence = frames[np.argmin((frames**2).mean(axis=1))]
    half = len(samples) // 2
    return np.concatenate([samples[:half], np.tile(silence, 1200), samples[half:]])


def flac_cut_off(path: Path) -> None:
    whole = path.with_suffix(".flac")
    soundfile.write(whole, soundfile.read(path)[0], RATE)
    path.unlink()
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])


def original(path: Path) -> str:
    return path.with_suffix(".txt").read_text("utf-8")


# The kind that each has to be named; what stands behind a space tells apart the faults of one kind.
PLANTED: dict[str, Callable[[Path], None]] = {
    "unreadable": lambda path: path.write_text("no recording " * 50) and None,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]) and None,
    "truncated flac": flac_cut_off,
    "empty": change(lambda samples: samples[:0]),
    "silent": change(lambda samples: samples * 0),
    "clipped": change(lambda samples: np.clip(samples / np.abs(samples).max() * 4, -1, 1) * 0.9),
    "dc_offset": change(lambda samples: samples * 0.5 + 0.05),
    "noisy": change(add_noise),
    "sample_rate": change(lambda samples: samples[::2], rate=8000),
    "channels": change(lambda samples: np.stack([samples, 0 * samples], axis=1)),
    "band_limited": change(band_limit),
    "transcript_empty": say(" . "),
    "transcript_script": lambda path: say(original(path).replace("E", "Е"))(path),  # a Cyrillic one
    "transcript_characters digits": lambda path: say(original(path) + " 42")(path),
    "transcript_characters sign": lambda path: say(original(path) + " & CO")(path),
    "transcript_characters invisible": lambda path: say(original(path) + "\u200b")(path),
    "transcript_characters abbreviation": lambda path: say(original(path) + " AT THE B.B.C.")(path),
    "speaking_rate": change(lambda samples: np.array_split(samples, 7)[3]),
    "ctc_infeasible": change(lambda samples: samples[len(samples) // 2 :][: RATE // 4]),
}


def test_every_fault_is_found_and_named(speech, tmp_path):
    before = examine(speech, tmp_path / "before")
    spoilt = shutil.copytree(speech, tmp_path / "spoilt")
    recordings = sorted((spoilt / "train").rglob("*.wav"))
    planted: dict[str, str] = {}
    for fault, plant in PLANTED.items():
        path = next(p for p in recordings if "E" in original(p) and len(original(p)) > 20)
        recordings.remove(path)
        planted[fault] = path.relative_to(spoilt).with_suffix("").as_posix()
        plant(path)
    copied, louder = recordings.pop(), recordings.pop()
    shutil.copy(copied, other := copied.with_name("copy.wav"))
    other.with_suffix(".txt").write_text("SOMETHING ELSE ENTIRELY", "utf-8")
    samples = soundfile.read(louder, dtype="float32")[0]
    soundfile.write(similar := louder.with_name("louder.flac"), 0.6 * samples[700:], RATE)
    similar.with_suffix(".txt").write_text(original(louder), "utf-8")
    known = recordings.pop()
    leaked = next((spoilt / "test").rglob("*.wav"))
    repeated = recordings.pop()
    leaked.with_suffix(".txt").write_text(original(repeated), "utf-8")
    voice = spoilt / "test" / known.parent.name
    voice.mkdir()
    shutil.move(known, voice / known.name)
    shutil.move(known.with_suffix(".txt"), voice / known.with_suffix(".txt").name)

    slow = recordings.pop()
    change(pause)(slow)

    after = examine(spoilt, tmp_path / "after")
    for fault, name in planted.items():
        kind = fault.split()[0]
        assert name in after.get(kind, ()), f"{kind} in {name}: {[k for k, names in after.items() if name in names]}"
    copies = {path.relative_to(spoilt).with_suffix("").as_posix() for path in (copied, other, louder, similar)}
    assert len(after["audio_duplicate"] & copies) == 2
    assert louder.stem in str(after["transcript_duplicate"]) or "louder" in str(after["transcript_duplicate"])
    assert after["speaker_leak"] == after["sentence_leak"] == after["split_small"] == {""}
    for kind, names in after.items():
        untouched = names - set(planted.values()) - copies - {""}
        named = {name for name in untouched if not name.endswith((known.stem, leaked.stem, repeated.stem))}
        assert named <= before.get(kind, set()), kind


def test_faults_of_single_words(tmp_path):
    """Words of a third of a second, cut out without pauses: two faults are found, and nothing is said of the others."""
    words = sorted((Path(DATA) / "fsdd" / "recordings").glob("*_[gt]*_1?.flac"))
    for word in words:
        shutil.copy(word, tmp_path / word.name)
    noisy, limited = tmp_path / "0_george_12.flac", tmp_path / "7_george_10.flac"
    change(add_noise, rate=8000)(noisy)
    samples = torch.from_numpy(soundfile.read(limited, dtype="float32")[0])
    low = torchaudio.functional.resample(torchaudio.functional.resample(samples, 8000, 4000), 4000, 8000)
    soundfile.write(limited, low.numpy(), 8000)
    found = examine(tmp_path, tmp_path / "out", "data=fsdd")
    found = {kind: names for kind, names in found.items() if names != {""} and kind != "ctc_infeasible"}
    assert found == {"noisy": {noisy.stem}, "band_limited": {limited.stem}}


def test_a_corpus_of_prompts_is_told_in_a_line(tmp_path):
    """Ten sentences by everybody: one line says so, one a split that test knows them; nothing is listed one by one."""
    run("asr", "doctor", Path(DATA) / "emodb", "--out-dir", tmp_path, "data=emodb")
    lines = [*map(json.loads, (tmp_path / "findings.jsonl").read_text("utf-8").splitlines())]
    about = [line["value"] for line in lines if line["kind"] in ("transcript_duplicate", "sentence_leak")]
    assert len(about) == 3
    assert about[0].startswith("339 of 339 utterances say 10 sentences")
    assert {line["kind"] for line in lines if line["utterance"]} == {"ctc_infeasible"}
