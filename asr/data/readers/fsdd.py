"""Free Spoken Digit Dataset: recordings/<digit>_<speaker>_<index>.wav, the transcript in the file name.

https://github.com/Jakobovski/free-spoken-digit-dataset
"""

import re
from collections.abc import Iterator
from pathlib import Path

from asr.data.utterance import Utterance, is_audio
from asr.errors import UserError

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NAME = re.compile(r"(\d)_(.+)_(\d+)")
TEST_INDEXES = range(5)  # the official test set: the first five recordings of every speaker and digit


def read(source: Path | str, held_out_speaker: str | None = None) -> Iterator[Utterance]:
    """The corpus with its official split, or with all of one speaker held out as test; dev is left to be drawn.

    Raises UserError where there are no such recordings, or no such speaker.
    """
    source = Path(source)
    folder = source / "recordings" if (source / "recordings").is_dir() else source
    found = [(path, match) for path in _audio_in(folder) if (match := NAME.fullmatch(path.stem))]
    speakers = sorted({match[2] for _, match in found})
    if not found:
        raise UserError(f"{folder} holds no <digit>_<speaker>_<index>.wav; set data.source to the FSDD folder")
    if held_out_speaker is not None and held_out_speaker not in speakers:
        raise UserError(f"{folder} has no speaker {held_out_speaker!r} to hold out; it has {', '.join(speakers)}")
    for path, match in found:
        digit, speaker, index = int(match[1]), match[2], int(match[3])
        held_out = index in TEST_INDEXES if held_out_speaker is None else speaker == held_out_speaker
        yield Utterance(path.stem, path, WORDS[digit], speaker, split="test" if held_out else "train")


def _audio_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; set data.source to the FSDD folder (it holds recordings/)")
    return sorted(path for path in folder.iterdir() if is_audio(path))
