"""What every tokenizer promises: the CTC blank is id 0, and nothing is encoded that cannot be decoded."""

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from asr.errors import UserError

BLANK = 0
BLANK_PIECE = "∅"  # how the blank is shown
SPACE_PIECE = "▁"  # how a space, or the beginning of a word, is shown


class Tokenizer(Protocol):
    """Text ↔ token ids in [1, size); id 0 is the CTC blank and is never in an encoding."""

    @property
    def size(self) -> int:
        """Tokens in the vocabulary, the blank included: V, the width of the CTC head."""

    @property
    def characters(self) -> frozenset[str]:
        """Every character that can be encoded."""

    def encode(self, text: str) -> list[int]:
        """Ids of normalised text; raises UnknownCharacter."""

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids from which CTC's repeats and blanks have been taken."""

    def piece(self, id: int) -> str:
        """A token as it is shown: the blank is ∅, a space or the beginning of a word ▁."""

    def save(self, folder: Path) -> None:
        """Write the vocabulary into an existing folder, for `asr.tasks.transcribe.text.load.load_tokenizer`."""


class UnknownCharacter(UserError):
    """A text holds characters that the vocabulary lacks; `characters` are these, sorted."""

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = tuple(sorted(set(characters)))
        named = ", ".join(f"{c!r} (U+{ord(c):04X} {unicodedata.name(c, 'no name')})" for c in self.characters)
        super().__init__(
            f"not in the tokenizer's vocabulary: {named}. Correct the transcript, have the text normalisation"
            " remove or fold it, or train on transcripts that hold it"
        )

    def __reduce__(self) -> tuple:
        # The default would rebuild it from the message when a data-loading process hands it over.
        return type(self), (self.characters,)
