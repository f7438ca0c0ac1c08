"""RAVDESS, speech: Actor_07/03-01-04-01-02-01-07.wav; seven numbers from modality to actor.

Livingstone and Russo 2018, https://zenodo.org/record/1188976
"""

import re
from collections.abc import Iterator
from pathlib import Path

from asr.corpus.readers.named import held_out_split, named_recordings
from asr.corpus.utterance import Utterance

STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
EMOTIONS = dict(
    zip(
        ("01", "02", "03", "04", "05", "06", "07", "08"),
        ("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise"),
        strict=True,
    )
)
INTENSITIES = {"01": "normal", "02": "strong"}
NAME = re.compile(r"03-01-(0[1-8])-(0[12])-(0[12])-(\d\d)-(\d\d)")  # 03: audio alone; 01: speech, not song


def read(source: Path | str, held_out_speaker: str | None = None) -> Iterator[Utterance]:
    """Every spoken recording, with emotion, intensity, gender, sentence (01 kids, 02 dogs) and repetition (01, 02).

    The splits are left to be drawn, or one actor is test.

    Raises UserError where there are no such recordings, or no such actor.
    """
    found = named_recordings(Path(source), "**", NAME, "03-01-04-01-02-01-07.wav", "RAVDESS")
    split_for = held_out_split([match[5] for _, match in found], held_out_speaker)
    for path, match in found:
        emotion, intensity, statement, repetition, actor = match.groups()
        about = {
            "emotion": EMOTIONS[emotion],
            "intensity": INTENSITIES[intensity],
            "gender": "m" if int(actor) % 2 else "f",
            "sentence": statement,
            "repetition": repetition,
        }
        yield Utterance(path.stem, path, STATEMENTS[statement], actor, split=split_for(actor), about=about)
