"""A language of three tones, for tests that train: every letter is a pitch, every word a few of them."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
PITCH_HZ = {"a": 400.0, "b": 800.0, "c": 1600.0}
LETTER_S, GAP_S = 0.12, 0.08


def speak(text: str, random: np.random.Generator) -> np.ndarray:
    """(S,) samples: a tone a letter, silence between letters and a longer one between words."""
    pieces = [np.zeros(round(RATE * GAP_S))]
    for letter in text:
        seconds = np.arange(round(RATE * LETTER_S)) / RATE
        tone = 0.0 * seconds if letter == " " else np.sin(2 * np.pi * PITCH_HZ[letter] * seconds)
        pieces += [0.3 * tone * np.hanning(len(tone)), np.zeros(round(RATE * GAP_S))]
    samples = np.concatenate(pieces)
    return (samples + 0.003 * random.standard_normal(len(samples))).astype(np.float32)


def make_corpus(folder: Path, speakers: int = 6, utterances: int = 10, seed: int = 0) -> Path:
    """folder/<speaker>/<number>.wav with .txt beside it."""
    random = np.random.default_rng(seed)
    for speaker in range(speakers):
        home = folder / f"speaker{speaker}"
        home.mkdir(parents=True)
        for number in range(utterances):
            letters = ["".join(random.choice(list("abc"), random.integers(1, 4))) for _ in range(2)]
            soundfile.write(home / f"{number:02d}.wav", speak(" ".join(letters), random), RATE)
            (home / f"{number:02d}.txt").write_text(" ".join(letters) + "\n", "utf-8")
    return folder
