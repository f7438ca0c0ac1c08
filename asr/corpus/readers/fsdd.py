"""Free Spoken Digit Dataset: recordings/<digit>_<speaker>_<index>.wav, the transcript in the file name.

https://github.com/Jakobovski/free-spoken-digit-dataset
"""

import re
from collections.abc import Iterator
from pathlib import Path

from asr.corpus.readers.named import held_out_split, named_recordings
from asr.corpus.utterance import Utterance

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NAME = re.compile(r"(\d)_(.+)_(\d+)")
ACCENTS = {  # as the corpus's metadata.py has them; all its speakers are men
    **{"jackson": "American", "theo": "American", "nicolas": "Belgian French", "george": "Greek"},
    **{"yweweler": "German", "lucas": "German"},
}
TEST_INDEXES = range(5)  # the official test set: the first five recordings of every speaker and digit


def read(source: Path | str, held_out_speaker: str | None = None) -> Iterator[Utterance]:
    """The corpus with its official split, or with all of one speaker held out as test; dev is left to be drawn.

    With the digit, and gender and accent of the six speakers that are known.

    Raises UserError where there are no such recordings, or no such speaker.
    """
    found = named_recordings(Path(source), "recordings", NAME, "<digit>_<speaker>_<index>.wav", "FSDD")
    split_for = held_out_split([match[2] for _, match in found], held_out_speaker)
    for path, match in found:
        digit, speaker, index = int(match[1]), match[2], int(match[3])
        split = split_for(speaker) or ("test" if index in TEST_INDEXES else "train")
        about = {"digit": match[1]}
        about |= {"gender": "m", "accent": ACCENTS[speaker]} if speaker in ACCENTS else {}
        yield Utterance(path.stem, path, WORDS[digit], speaker, split=split, about=about)
