"""Train, dev and test: recognising the splits a source has, drawing those it lacks."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from asr.corpus.utterance import SPLITS

SPLIT_OF_WORD = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("dev", "development", "devel", "valid", "validation", "val", "cv"), "dev"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation", "tst"), "test"),
}

MIN_SPEAKERS = 3  # one each for train, dev and test: fewer, and splits are drawn by utterance


def split_of(name: str) -> str | None:
    """The split that a folder or file name begins with: "train-clean-100" -> "train", "valid" -> "dev", else None."""
    first = re.split(r"[^a-z]+", name.lower(), maxsplit=1)[0]
    return SPLIT_OF_WORD.get(first)


def split_within(name: str) -> str | None:
    """The one split that a manifest's name speaks of anywhere: "cuts_train-clean.jsonl.gz" -> "train", else None."""
    found = {SPLIT_OF_WORD[word] for word in re.split(r"[^a-z]+", name.lower()) if word in SPLIT_OF_WORD}
    return found.pop() if len(found) == 1 else None


def split_folders(source: Path) -> dict[Path, str]:
    """The folders at the top of a source that are named for a split, and which: {source/train: "train", ...}."""
    folders = (path for path in sorted(source.iterdir()) if path.is_dir())
    return {path: split for path in folders if (split := split_of(path.name))}


def hash_fraction(name: str) -> float:
    """A number in [0, 1) that depends on `name` alone, on every machine and in every version."""
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") / 2**64


def draw_splits(units: Sequence[str], dev_fraction: float, test_fraction: float) -> dict[str, str]:
    """Which split each unit (a speaker, or an utterance) belongs to, by its hash: {unit: "train" | "dev" | "test"}.

    `units` holds one entry an utterance, so that a unit's count is its share. A unit's split depends on its own name,
    so that adding others does not move it, with two exceptions that only matter in small corpora: a split left empty
    takes the unit whose hash lies nearest, and a unit with more than half of the utterances stays in train.
    """
    counts = Counter(units)
    position = {unit: hash_fraction(unit) for unit in counts}
    fractions = {"test": test_fraction, "dev": dev_fraction}
    ordered = sorted(
        (unit for unit in counts if counts[unit] <= len(units) / 2 or test_fraction + dev_fraction >= 1.0),
        key=lambda unit: (position[unit], unit),
    )
    drawn = dict.fromkeys(counts, "train")
    for unit in ordered:
        if position[unit] < test_fraction:
            drawn[unit] = "test"
        elif position[unit] < test_fraction + dev_fraction:
            drawn[unit] = "dev"
    for split, fraction in fractions.items():
        left = [unit for unit in ordered if drawn[unit] == "train"]
        if fraction > 0 and split not in drawn.values() and left and list(drawn.values()).count("train") > 1:
            drawn[left[0]] = split
    if "train" not in drawn.values() and test_fraction + dev_fraction < 1.0:
        drawn[ordered[-1]] = "train"
    return drawn


@dataclass(frozen=True, slots=True)
class Member:
    """What deciding an utterance's split takes: its id, its speaker where known, and the split its source gives it."""

    id: str
    speaker: str | None
    split: str | None


def assign_splits(members: Sequence[Member], dev_fraction: float, test_fraction: float) -> tuple[list[str], str]:
    """The split of every utterance, and what to say about it. Splits that the source gives are never touched.

    A dev or test that the source lacks is drawn from the rest by speaker, where there are MIN_SPEAKERS or more and the
    source does not share speakers between its own splits (then a drawn one would be a harder task than the given one).
    """
    given = {member.split for member in members}
    fractions = {"dev": 0.0 if "dev" in given else dev_fraction, "test": 0.0 if "test" in given else test_fraction}
    pool = [member for member in members if member.split in (None, "train")]
    if not any(fractions.values()) or not pool:
        return [member.split or "train" for member in members], f"splits as the source gives them: {_counts(members)}"
    held_out = {member.speaker for member in members if member.split in ("dev", "test")} - {None}
    speakers = {member.speaker for member in pool} - {None}
    by_speaker = len(speakers) >= MIN_SPEAKERS and not speakers & held_out
    units = [member.speaker if by_speaker and member.speaker is not None else member.id for member in pool]
    drawn = draw_splits(units, fractions["dev"], fractions["test"])
    of_pool = {member.id: drawn[unit] for member, unit in zip(pool, units, strict=True)}
    splits = [of_pool.get(member.id, member.split or "train") for member in members]
    counts = Counter(drawn.values())
    parts = ", ".join(f"{counts[split]} {split}" for split in SPLITS if split == "train" or fractions[split] > 0)
    unit = "speaker" if by_speaker else "utterance"
    kept = sorted(split for split in given - {None, "train"} if split is not None)
    note = f"{len(drawn)} {unit}s: {parts} (by hash of the {unit})"
    return splits, note + (f"; {' and '.join(kept)} as the source gives it" if kept else "")


def _counts(members: Sequence[Member]) -> str:
    counts = Counter(member.split or "train" for member in members)
    return ", ".join(f"{counts[split]} {split}" for split in SPLITS if counts[split])
