"""One token for each character (Unicode code point) of the training transcripts."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from asr.errors import UserError
from asr.tasks.transcribe.text.tokenizer import BLANK, BLANK_PIECE, SPACE_PIECE, UnknownCharacter

FILE = "tokenizer.json"


class CharacterTokenizer:
    """Characters ↔ ids; the ids 1, 2, … follow the order of `characters`, and 0 is the blank."""

    def __init__(self, characters: Sequence[str]) -> None:
        self._characters = list(characters)
        self._ids = {character: i for i, character in enumerate(self._characters, start=BLANK + 1)}

    @classmethod
    def train(cls, texts: Iterable[str]) -> "CharacterTokenizer":
        """The characters of normalised texts, in code point order; raises UserError where there are none."""
        characters = sorted({character for text in texts for character in text})
        if not any(character.strip() for character in characters):
            raise UserError("no transcript holds any text, so there is nothing to make a vocabulary from")
        return cls(characters)

    @classmethod
    def load(cls, folder: Path) -> "CharacterTokenizer":
        """Read tokenizer.json; raises UserError naming the file where it is not what `save` writes."""
        path = Path(folder) / FILE
        try:
            characters = json.loads(path.read_text(encoding="utf-8"))["characters"]
            sound = bool(characters) and all(isinstance(c, str) and len(c) == 1 for c in characters)
        except OSError as error:
            raise UserError(
                f"{path}: cannot be read ({error.strerror}); make it readable, or copy the model again"
            ) from error
        except (ValueError, TypeError, KeyError, RecursionError):
            sound = False
        if not sound or not isinstance(characters, list) or len(set(characters)) != len(characters):
            raise UserError(
                f'{path}: not a character vocabulary, which is {{"characters": ["a", "b", …]}}; copy it again'
            )
        return cls(characters)

    @property
    def size(self) -> int:
        return BLANK + 1 + len(self._characters)

    @property
    def characters(self) -> frozenset[str]:
        return frozenset(self._characters)

    def encode(self, text: str) -> list[int]:
        unknown = set(text) - self._ids.keys()
        if unknown:
            raise UnknownCharacter(unknown)
        return [self._ids[character] for character in text]

    def decode(self, ids: Sequence[int]) -> str:
        text = "".join(self._characters[i - BLANK - 1] for i in ids if i != BLANK)
        # A model may emit a space twice or at an end; no transcript has one there.
        return re.sub(" +", " ", text).strip(" ")

    def piece(self, id: int) -> str:
        if id == BLANK:
            return BLANK_PIECE
        character = self._characters[id - BLANK - 1]
        return SPACE_PIECE if character == " " else character

    def save(self, folder: Path) -> None:
        vocabulary = json.dumps({"characters": self._characters}, ensure_ascii=False, indent=0)
        (Path(folder) / FILE).write_text(vocabulary + "\n", encoding="utf-8")
