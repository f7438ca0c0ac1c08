"""Faults of transcripts that show without the audio: scripts, odd characters, numbers, repetitions."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import cache

from asr.doctor.findings import Finding

# Scripts that are written together are one.
TOGETHER = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "HANGUL": "CJK", "BOPOMOFO": "CJK"}
MINOR_SCRIPT = 0.02  # of the letters: what is rarer than this is taken for a mistake
MARKUP = frozenset("<>[]{}|\\/_*#@&%$€£+=~^�")
CAPITALS, DOTTED = re.compile(r"\b[A-Z]{2,}\b"), re.compile(r"\b(?:[A-Za-z]\.){2,}")
REPEATED_PROMPTS = 0.3  # share of utterances with another's text from which on that is how the corpus was made


@cache
def script_of(character: str) -> str | None:
    """LATIN, CYRILLIC, CJK, …; None for what is no letter."""
    if not unicodedata.category(character).startswith("L"):
        return None
    script = unicodedata.name(character, "UNKNOWN").split()[0]
    return TOGETHER.get(script, script)


def scripts(texts: Mapping[str, str]) -> Iterator[Finding]:
    """Transcripts with letters of a script that hardly another one uses."""
    letters = Counter(script for text in texts.values() for c in text if (script := script_of(c)))
    minor = {script for script, count in letters.items() if count < MINOR_SCRIPT * letters.total()}
    main = letters.most_common(1)[0][0] if letters else ""
    for name, text in texts.items():
        found = sorted({c for c in text if script_of(c) in minor})
        if found:
            shown = ", ".join(f"{c} ({unicodedata.name(c, 'unknown').title()})" for c in found[:3])
            yield Finding("transcript_script", name, f"{shown} among {main.title()} letters: {text}")


def characters(texts: Mapping[str, str]) -> Iterator[Finding]:
    """Transcripts with digits, signs, invisible characters or abbreviations, which are spoken otherwise."""
    shouted = sum(text.isupper() for text in texts.values()) > len(texts) / 2
    for name, text in texts.items():
        parts = []
        if digits := re.findall(r"\d[\d.,:]*", text):
            parts.append(f"digits {' '.join(digits[:3])}")
        if signs := sorted(set(text) & MARKUP):
            parts.append(f"signs {' '.join(signs)}")
        if hidden := sorted(
            {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cn") and c not in "\t\n"}
        ):
            parts.append("invisible " + " ".join(f"U+{ord(c):04X}" for c in hidden))
        capitals = [] if shouted or text.isupper() else CAPITALS.findall(text)
        if found := sorted({*capitals, *DOTTED.findall(text)}):
            parts.append(f"abbreviations {' '.join(found[:3])}")
        if parts:
            yield Finding("transcript_characters", name, f"{'; '.join(parts)}: {text}")


def repeats_prompts(texts: Collection[str]) -> bool:
    """Whether a corpus says the same sentences again and again by design, as one of digits or of fixed prompts."""
    counts = Counter(texts)
    return sum(count for count in counts.values() if count > 1) > REPEATED_PROMPTS * len(texts)


def repetitions(texts: Mapping[str, str]) -> Iterator[Finding]:
    """Transcripts that another utterance has too; a line for all where repeated prompts are how the corpus was made."""
    owners: dict[str, list[str]] = {}
    for name, text in texts.items():
        owners.setdefault(text, []).append(name)
    repeated = [names for names in owners.values() if len(names) > 1]
    if repeats_prompts(texts.values()):
        said = f"{sum(map(len, repeated))} of {len(texts)} utterances say {len(repeated)} sentences again and again"
        value = f"{said}, {texts[repeated[0][0]]} for example: taken for prompts, and not listed one by one"
        yield Finding("transcript_duplicate", "", value)
        return
    for names in repeated:
        for name in names[1:]:
            yield Finding("transcript_duplicate", name, f"as {names[0]}: {texts[name]}")


def character_table(texts: Mapping[str, str]) -> list[tuple[str, str, int, str]]:
    """(character, its Unicode name, how often, one utterance that has it), the rarest first."""
    counts: Counter[str] = Counter()
    example: dict[str, str] = {}
    for name, text in texts.items():
        counts.update(text)
        for c in set(text):
            example.setdefault(c, name)
    ordered = sorted(counts.items(), key=lambda entry: (entry[1], entry[0]))
    return [(c, unicodedata.name(c, f"U+{ord(c):04X}").title(), count, example[c]) for c, count in ordered]
