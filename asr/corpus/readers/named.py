"""Shared by the readers of corpora whose file names hold the labels."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from asr.corpus.utterance import is_audio
from asr.errors import UserError


def named_recordings(
    source: Path, below: str, pattern: re.Pattern[str], example: str, corpus: str
) -> list[tuple[Path, re.Match[str]]]:
    """The recordings of a source whose names match, sorted by name, and their matches.

    They lie in the source itself, or in its folder `below`; "**" is any depth. Raises UserError where there are none.
    """
    folder = source / below if (source / below).is_dir() else source
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; set data.source to the {corpus} folder")
    paths = folder.rglob("*") if below == "**" else folder.iterdir()
    found = [(path, match) for path in paths if is_audio(path) and (match := pattern.fullmatch(path.stem))]
    if not found:
        raise UserError(f"{folder} holds no recordings named {example}; set data.source to the {corpus} folder")
    return sorted(found, key=lambda entry: (entry[0].stem, entry[0]))


def held_out_split(speakers: Sequence[str], held_out: str | None) -> Callable[[str], str | None]:
    """A speaker's split: test for the one who is held out, train for the others; None where nobody is.

    Raises UserError where there is no such speaker.
    """
    if held_out is None:
        return lambda speaker: None
    if held_out not in speakers:
        known = ", ".join(sorted(set(speakers)))
        raise UserError(f"data.reader.held_out_speaker={held_out}: there is no such speaker; there are {known}")
    return lambda speaker: "test" if speaker == held_out else "train"


def gender_letter(word: str) -> str:
    """m or f for male, Male, M, female …; any other word as it is, in lower case."""
    return {"male": "m", "female": "f"}.get(word.strip().lower(), word.strip().lower())
