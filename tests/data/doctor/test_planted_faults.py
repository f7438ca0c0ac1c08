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

from asr.data.audio import load_audio
from asr.data.readers.detect import read_any
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


def examine(source: Path, out_dir: Path) -> dict[str, set[str]]:
    """{kind: the utterances it was found in} ('' for the corpus), through the command."""
    done = run("asr", "doctor", source, "--out-dir", out_dir)
    assert done.status == 0, done.err
    assert (out_dir / "report.html").stat().st_size > 5_000
    found: dict[str, set[str]] = {}
    for line in map(json.loads, (out_dir / "findings.jsonl").read_text("utf-8").splitlines()):
        assert set(line) == {"kind", "utterance", "value", "remedy"}
        found.setdefault(line["kind"], set()).add(line["utterance"])
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


def original(path: Path) -> str:
    return path.with_suffix(".txt").read_text("utf-8")


PLANTED: dict[str, Callable[[Path], None]] = {
    "unreadable": lambda path: path.write_text("no recording " * 50) and None,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]) and None,
    "empty": change(lambda samples: samples[:0]),
    "silent": change(lambda samples: samples * 0),
    "clipped": change(lambda samples: np.clip(samples / np.abs(samples).max() * 4, -1, 1) * 0.9),
    "dc_offset": change(lambda samples: samples * 0.5 + 0.05),
    "noisy": change(add_noise),
    "sample_rate": change(lambda samples: samples[::2], rate=8000),
    "band_limited": change(band_limit),
    "transcript_empty": say(" . "),
    "transcript_script": lambda path: say(original(path).replace("E", "Е"))(path),  # a Cyrillic one
    "transcript_characters": lambda path: say(original(path) + " 42")(path),
    "speaking_rate": change(lambda samples: samples[: len(samples) // 7]),
    "ctc_infeasible": change(lambda samples: samples[: RATE // 4]),
}


def test_every_fault_is_found_and_named(speech, tmp_path):
    before = examine(speech, tmp_path / "before")
    spoilt = shutil.copytree(speech, tmp_path / "spoilt")
    recordings = sorted((spoilt / "train").rglob("*.wav"))
    planted: dict[str, str] = {}
    for kind, plant in PLANTED.items():
        path = next(p for p in recordings if "E" in original(p) and len(original(p)) > 20)
        recordings.remove(path)
        planted[kind] = path.relative_to(spoilt).with_suffix("").as_posix()
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

    after = examine(spoilt, tmp_path / "after")
    for kind, name in planted.items():
        assert name in after.get(kind, ()), f"{kind} in {name}: {[k for k, names in after.items() if name in names]}"
    copies = {path.relative_to(spoilt).with_suffix("").as_posix() for path in (copied, other, louder, similar)}
    assert len(after["audio_duplicate"] & copies) == 2
    assert louder.stem in str(after["transcript_duplicate"]) or "louder" in str(after["transcript_duplicate"])
    assert after["speaker_leak"] == after["sentence_leak"] == {""}
    for kind, names in after.items():
        untouched = names - set(planted.values()) - copies - {""}
        named = {name for name in untouched if not name.endswith((known.stem, leaked.stem, repeated.stem))}
        assert named <= before.get(kind, set()), kind
