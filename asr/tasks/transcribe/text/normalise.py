"""One spelling for every transcript: what training reads and what scoring compares."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Literal

from asr.errors import UserError

CHOICES = {
    "unicode_form": ("NFC", "NFKC"),
    "case": ("lower", "upper", "keep"),
    "punctuation": ("remove", "keep"),
    "apostrophes": ("keep", "remove"),
    "hyphens": ("space", "keep", "remove"),
}
APOSTROPHES = frozenset("'’ʼ‘`′＇׳")  # typographic, modifier letter, grave, prime, full-width, Hebrew geresh
HYPHENS = frozenset("-‐‑־")  # ASCII, Unicode, non-breaking, Hebrew maqaf
# A Hebrew acronym carries a double mark before its last letter (צה״ל): it is one word, so the mark must not split it.
GERSHAYIM = re.compile(r'(?<=[א-ת])["״”“](?=[א-ת])')
# Invisible, but not of category Cf: the combining grapheme joiner and the variation selectors.
INVISIBLE_MARKS = frozenset({0x034F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)})


@cache
def _kind(character: str) -> str:
    """What a character is to a transcript: word, space, apostrophe, hyphen, punctuation or invisible."""
    category = unicodedata.category(character)
    if character.isspace():
        return "space"
    if category in ("Cc", "Cf", "Cs") or ord(character) in INVISIBLE_MARKS:
        return "invisible"
    if character in APOSTROPHES:
        return "apostrophe"
    if character in HYPHENS:
        return "hyphen"
    return "punctuation" if category[0] in "PS" else "word"


@dataclass(frozen=True)
class TextNormalizer:
    """Text in, normalised text out; idempotent, and the same for training and for scoring.

    unicode_form: NFC keeps what is seen; NFKC also folds full-width letters, ligatures and superscripts.
    case: lower, upper (ß becomes SS) or keep.
    punctuation: remove turns Unicode punctuation and symbols (categories P, S) into spaces.
    apostrophes: those inside a word, in any typographic form, become ' or go without a trace (don't, dont).
    hyphens: those inside a word become a space, or stay as -, or go without a trace.

    Control, zero-width and other invisible characters go, and white space collapses to single spaces.
    Raises UserError for a value that is no choice. Forms: Unicode Standard Annex #15.
    """

    unicode_form: Literal["NFC", "NFKC"] = "NFC"
    case: str = "lower"
    punctuation: str = "remove"
    apostrophes: str = "keep"
    hyphens: str = "space"

    def __post_init__(self) -> None:
        for key, choices in CHOICES.items():
            value = getattr(self, key)
            if value not in choices:
                raise UserError(f"{key}={value!r} is no way to normalise text: choose one of {', '.join(choices)}")

    def __call__(self, text: str) -> str:
        visible = "".join(c for c in text if _kind(c) != "invisible")
        folded = GERSHAYIM.sub("", self._fold(visible))
        # Removing a mark may bring a letter and a combining accent together, so compose once more.
        spaced = unicodedata.normalize(self.unicode_form, self._respell(folded))
        return " ".join(spaced.split())

    def __str__(self) -> str:
        """What it does, in a phrase that can stand beside a score."""
        case = "case as written" if self.case == "keep" else f"{self.case} case"
        done = {"keep": "kept", "remove": "removed", "space": "turned into spaces"}
        marks = (("punctuation", ""), ("apostrophes", " inside words"), ("hyphens", " inside words"))
        return ", ".join(
            [self.unicode_form, case, *(f"{mark}{where} {done[getattr(self, mark)]}" for mark, where in marks)]
        )

    def _fold(self, text: str) -> str:
        text = unicodedata.normalize(self.unicode_form, text)
        if self.case == "keep":
            return text
        text = text.lower() if self.case == "lower" else text.upper()
        # Changing case may decompose: the upper case of ΐ is three characters.
        return unicodedata.normalize(self.unicode_form, text)

    def _respell(self, text: str) -> str:
        """Apostrophes, hyphens and punctuation, each by its own rule and by what stands on both sides of it."""
        kinds = ["space", *map(_kind, text), "space"]
        respelled = []
        for i, character in enumerate(text):
            kind = kinds[i + 1]
            inside_word = kinds[i] == kinds[i + 2] == "word"
            if kind == "apostrophe" and inside_word:
                respelled.append("'" if self.apostrophes == "keep" else "")
            elif kind == "hyphen" and inside_word:
                respelled.append({"space": " ", "keep": "-", "remove": ""}[self.hyphens])
            elif kind == "apostrophe" and self.punctuation == "keep":
                respelled.append("'")
            elif kind in ("apostrophe", "hyphen", "punctuation") and self.punctuation == "remove":
                respelled.append(" ")
            else:
                respelled.append(character)
        return "".join(respelled)
