"""Little recordings and corpora for the tests of asr.corpus."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
from lhotse import Recording
from lhotse.audio import AudioSource

from asr.corpus.corpus import Corpus, load_corpus
from asr.corpus.utterance import Utterance
from asr.tasks.transcribe.text.target import TranscriptTarget

RATE = 16000


def tone(seconds: float = 0.5, pitch: float = 220.0, rate: int = RATE) -> np.ndarray:
    """A quiet sine (S,) float32."""
    return (0.2 * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def noise(seconds: float = 3.0, rate: int = RATE) -> np.ndarray:
    """White noise (S,) float32: what no codec can make small."""
    return (0.1 * np.random.default_rng(0).standard_normal(int(seconds * rate))).astype(np.float32)


def record(path: Path, samples: np.ndarray | None = None, rate: int = RATE, **how: str) -> Path:
    """Write a recording, its folders too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".opus":
        how = {"format": "OGG", "subtype": "OPUS"}
    soundfile.write(path, tone() if samples is None else samples, rate, **how)
    return path


def pair(folder: Path, name: str, text: str | bytes = "a word", samples: np.ndarray | None = None) -> Path:
    """x.wav and x.txt."""
    path = record(folder / f"{name}.wav", samples)
    transcript = path.with_suffix(".txt")
    transcript.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def reverberation_by_command(command: str) -> dict:
    """An effect as lhotse writes it, whose impulse response is what a command prints."""
    source = AudioSource("command", channels=[0], source=command)
    response = Recording("response", [source], sampling_rate=RATE, num_samples=RATE, duration=1.0)
    kwargs = {"rir": response.to_dict(), "normalize_output": True, "early_only": False, "rir_channels": [0]}
    return {"name": "ReverbWithImpulseResponse", "kwargs": kwargs}


def write_lines(path: Path, *lines: object) -> Path:
    """Strings as they are, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def corpus(utterances: Iterable[Utterance], **settings) -> Corpus:
    """load_corpus with everything allowed and drawn by tenths, except for `settings`."""
    usual = {
        "target_of": TranscriptTarget(str.lower),
        "sample_rate": None,
        "dev_fraction": 0.1,
        "test_fraction": 0.1,
        "max_rejected": 1.0,
        "max_utterance_seconds": 30.0,
        "cache_gib": 1.0,
        "cache_dir": None,
    }
    return load_corpus(utterances, **(usual | settings))
