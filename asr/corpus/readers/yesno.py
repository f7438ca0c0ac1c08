"""yesno (OpenSLR 1): waves_yesno/1_0_0_1_1_0_1_0.wav, eight Hebrew words a file, "ken" (1, yes) or "lo" (0, no).

https://www.openslr.org/1
"""

import re
from collections.abc import Iterator
from pathlib import Path

from asr.corpus.readers.named import named_recordings
from asr.corpus.utterance import Utterance

WORDS = {"0": "lo", "1": "ken"}
NAME = re.compile(r"[01](_[01])+")


def read(source: Path | str) -> Iterator[Utterance]:
    """The corpus with its customary split: the first half of the sorted names trains, the second is test.

    There is one speaker; dev is left to be drawn out of train. Raises UserError where there are no such recordings.
    """
    found = named_recordings(Path(source), "waves_yesno", NAME, "1_0_0_1_1_0_1_0.wav", "yesno")
    for index, (path, match) in enumerate(found):
        text = " ".join(WORDS[label] for label in match[0].split("_"))
        yield Utterance(path.stem, path, text, speaker="yesno", split="train" if index < len(found) / 2 else "test")
