"""Corpora with something wrong in them."""

import json
import shutil
from pathlib import Path

import numpy as np
import soundfile

from tests.tones import RATE, speak


def rejected(run_dir: Path) -> dict[str, dict]:
    lines = (run_dir / "rejected.jsonl").read_text("utf-8").splitlines()
    return {line["id"]: line for line in map(json.loads, lines)}


def say(path: Path, text: str = "abc", rate: int = RATE, channels: int = 1) -> Path:
    """Add an utterance."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = speak(text, np.random.default_rng(0))
    soundfile.write(path, np.stack([samples] * channels, axis=1), rate)
    path.with_suffix(".txt").write_text(text, "utf-8")
    return path


def split(corpus: Path) -> Path:
    """The same corpus with its splits as folders: train has four speakers, dev and test one each."""
    for number in range(6):
        home = corpus / ("dev" if number == 4 else "test" if number == 5 else "train")
        home.mkdir(exist_ok=True)
        (corpus / f"speaker{number}").rename(home / f"speaker{number}")
    return corpus


SPOILT = {  # name: what makes a good utterance bad, and the reason that is given
    "unreadable": (lambda p: p.write_text("this is no recording " * 20), "audio_unreadable"),
    "truncated": (lambda p: p.write_bytes(p.read_bytes()[:3000]), "audio_truncated"),
    "no-bytes": (lambda p: p.write_bytes(b""), "audio_empty"),
    "no-samples": (lambda p: soundfile.write(p, np.zeros(0), RATE), "audio_empty"),
    "silent": (lambda p: soundfile.write(p, np.zeros(RATE), RATE), "audio_silent"),
    "nan": (lambda p: soundfile.write(p, np.full(RATE, np.nan), RATE, "FLOAT"), "audio_not_finite"),
    "gone": (lambda p: p.unlink(), "audio_missing"),
    "no-text": (lambda p: p.with_suffix(".txt").unlink(), "transcript_missing"),
    "empty-text": (lambda p: p.with_suffix(".txt").write_text(" \n"), "transcript_empty"),
    "latin1": (lambda p: p.with_suffix(".txt").write_bytes("à bc".encode("latin1")), "transcript_not_utf8"),
    "twice": (lambda p: shutil.copy(p, p.with_suffix(".flac")), "duplicate_id"),
    "short": (lambda p: soundfile.write(p, np.full(800, 0.1) * np.sin(np.arange(800)), RATE), "ctc_infeasible"),
}


def spoil(corpus: Path, *kinds: str) -> None:
    for kind in kinds:
        SPOILT[kind][0](say(corpus / "speaker0" / f"{kind}.wav", "abcabcabc"))
