"""A model whose embeddings are known: what a recording holds is its direction."""

from pathlib import Path

import numpy as np
import soundfile

from asr.errors import UserError
from asr.voices.embedding import VoiceModel

RATE, SIZE = 8000, 16


class Listener:
    """Embeds a recording as its first samples, which a test has chosen."""

    def embed(self, paths):
        found = []
        for path in paths:
            if not Path(path).is_file():
                raise UserError(f"{path}: no such file; put the recording there")
            found.append(soundfile.read(path, dtype="float32")[0][:SIZE])
        return np.stack(found)


def listener() -> VoiceModel:
    return VoiceModel(Listener(), "f" * 64)


def say(path: Path, vector: np.ndarray) -> Path:
    """A recording whose embedding has the direction of `vector` (SIZE,)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.5 * vector / np.abs(vector).max(), RATE, subtype="FLOAT")
    return path


def voice(number: int) -> np.ndarray:
    """(SIZE,): the direction of a speaker."""
    return np.random.default_rng(number).normal(size=SIZE)


def speak(folder: Path, speaker: int, takes: int, spread: float = 0.3) -> list[Path]:
    """folder/s<speaker>/<take>.wav: the same file names in every speaker's folder."""
    random = np.random.default_rng(1000 + speaker)
    return [
        say(folder / f"s{speaker}" / f"{take}.wav", voice(speaker) + spread * random.normal(size=SIZE))
        for take in range(takes)
    ]
