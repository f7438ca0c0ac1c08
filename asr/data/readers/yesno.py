"""yesno (OpenSLR 1): waves_yesno/1_0_0_1_1_0_1_0.wav, eight Hebrew words a file, "ken" (1, yes) or "lo" (0, no).

https://www.openslr.org/1
"""

import re
from collections.abc import Iterator
from pathlib import Path

from asr.data.utterance import Utterance, is_audio
from asr.errors import UserError

WORDS = {"0": "lo", "1": "ken"}
NAME = re.compile(r"[01](_[01])+")


def read(source: Path | str) -> Iterator[Utterance]:
    """The corpus with its customary split: the first half of the sorted names trains, the second is test.

    There is one speaker; dev is left to be drawn out of train. Raises UserError where there are no such recordings.
    """
    source = Path(source)
    folder = source / "waves_yesno" if (source / "waves_yesno").is_dir() else source
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; set data.source to the yesno folder (it holds waves_yesno/)")
    paths = sorted(path for path in folder.iterdir() if is_audio(path) and NAME.fullmatch(path.stem))
    if not paths:
        raise UserError(f"{folder} holds no recordings named 1_0_0_1_1_0_1_0.wav; set data.source to the yesno folder")
    for index, path in enumerate(paths):
        text = " ".join(WORDS[label] for label in path.stem.split("_"))
        split = "train" if index < len(paths) / 2 else "test"
        yield Utterance(path.stem, path, text, speaker="yesno", split=split)
