"""CREMA-D: AudioWAV/1001_DFA_ANG_XX.wav is actor 1001, sentence DFA, emotion anger, intensity unspecified.

Cao et al. 2014, https://github.com/CheyneyComputerScience/CREMA-D
"""

import re
from collections.abc import Iterator
from pathlib import Path

from asr.corpus.readers.lines import table_rows
from asr.corpus.readers.named import gender_letter, held_out_split, named_recordings
from asr.corpus.utterance import Utterance, kept_about

SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
EMOTIONS = {
    **{"ANG": "anger", "DIS": "disgust", "FEA": "fear"},
    **{"HAP": "happiness", "NEU": "neutral", "SAD": "sadness"},
}
INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified", "X": "unspecified"}  # X: of one file
NAME = re.compile(rf"(\d{{4}})_([A-Z]{{3}})_({'|'.join(EMOTIONS)})_({'|'.join(INTENSITIES)})")
ACTORS = "VideoDemographics.csv"


def read(source: Path | str, held_out_speaker: str | None = None) -> Iterator[Utterance]:
    """Every recording, with emotion, intensity, sentence (DFA …), and what VideoDemographics.csv says of the actor.

    That file lies in the source or beside it: gender, age, race, ethnicity. The splits are left to be drawn, or one
    actor is test. Raises UserError where there are no such recordings, or no such actor.
    """
    source = Path(source)
    found = named_recordings(source, "AudioWAV", NAME, "1001_DFA_ANG_XX.wav", "CREMA-D")
    split_for = held_out_split([match[1] for _, match in found], held_out_speaker)
    actors = _actors(source)
    for path, match in found:
        actor, sentence, emotion, intensity = match.groups()
        about = {"emotion": EMOTIONS[emotion], "intensity": INTENSITIES[intensity]}
        about |= {**actors.get(actor, {}), "sentence": sentence}
        yield Utterance(path.stem, path, SENTENCES.get(sentence), actor, split=split_for(actor), about=about)


def _actors(source: Path) -> dict[str, dict[str, str]]:
    """{actor: gender, age, race and ethnicity} where the table is there."""
    table = next((path for path in (source / ACTORS, source.parent / ACTORS) if path.is_file()), None)
    if table is None:
        return {}
    rows = [row for _, row in table_rows(table, ",")]
    found = {}
    for row in rows[1:]:
        known = dict(zip(rows[0], row, strict=False))
        named = {"gender": gender_letter(known.get("Sex", ""))}
        named |= {name.lower(): known.get(name, "") for name in ("Age", "Race", "Ethnicity")}
        found[known.get("ActorID", "")] = kept_about(named.items())
    return found
