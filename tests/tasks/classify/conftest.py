"""A corpus whose moods can be told."""

import numpy as np
import pytest

from tests.corpus.recordings import record

RATE = 8000


def sound(mood: str, voice: int) -> np.ndarray:
    """(S,): a high or a low tone, at a pitch of its own for every voice."""
    seconds = np.arange(RATE // 2) / RATE
    pitch = {"glad": 1500.0, "sad": 300.0}[mood] * (1 + 0.03 * voice)
    return 0.3 * np.sin(2 * np.pi * pitch * seconds) + np.random.default_rng(voice).normal(0, 0.01, len(seconds))


@pytest.fixture(scope="session")
def moods(tmp_path_factory):
    """A table of eight voices, glad and sad, six recordings each; one has no mood."""
    source = tmp_path_factory.mktemp("moods")
    lines = ["path\tsentence\tclient_id\temotion"]
    for voice in range(8):
        for mood in ("glad", "sad"):
            for take in range(3):
                name = f"v{voice}{mood}{take}.wav"
                record(source / name, sound(mood, voice), RATE)
                lines.append(f"{name}\tla\tv{voice}\t{mood if (voice, mood, take) != (0, 'sad', 0) else ''}")
    (source / "all.tsv").write_text("\n".join(lines) + "\n")
    return source
