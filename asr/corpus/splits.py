"""Train, dev and test: recognising the splits a source has, drawing those it lacks."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from asr.configuration.overrides import did_you_mean
from asr.corpus.utterance import SPLITS, UtteranceFacts
from asr.errors import UserError

SPLIT_OF_WORD = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("dev", "development", "devel", "valid", "validation", "val", "cv"), "dev"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation", "tst"), "test"),
}

MIN_SPEAKERS = 3  # one each for train, dev and test: fewer, and splits are drawn by utterance
SPEAKER, UTTERANCE, TEXT, RANDOM = "speaker", "utterance", "text", "random"  # what splits are drawn by, or a column


@dataclass(frozen=True, slots=True)
class Division:
    """How utterances come into train, dev and test.

    unit: what lies in one split alone: speaker, utterance, text, or a column of Utterance.about; random is utterance
    without regard to the splits of the source. asked: whether the user named it, so that nothing else will do.
    test_folds: part `test_fold` (1 …) of so many is test, whatever the source says; None: test is a fraction.
    """

    unit: str
    asked: bool
    dev_fraction: float
    test_fraction: float
    test_folds: int | None = None
    test_fold: int = 1

    def __post_init__(self) -> None:
        if self.test_folds is not None and not 1 <= self.test_fold <= self.test_folds >= 2:
            raise UserError(
                f"data.test_fold={self.test_fold}: is to be from 1 to data.test_folds={self.test_folds}, and "
                "data.test_folds 2 or more"
            )

    @property
    def ignores_source(self) -> bool:
        """Whether the splits that the source gives count for nothing."""
        return self.unit == RANDOM or self.test_folds is not None


@dataclass(frozen=True, slots=True)
class Member:
    """What deciding an utterance's split takes: its id, its speaker where known, and the split its source gives it.

    value: what it has of the unit that splits are drawn by, where that is neither speaker nor utterance.
    """

    id: str
    speaker: str | None
    split: str | None
    value: str | None = None
    seconds: float = 0.0


def unit_value(unit: str, known: UtteranceFacts) -> str | None:
    """What an utterance has of a unit; None where it is a unit of its own. Texts are compared by their words."""
    if unit in (UTTERANCE, RANDOM):
        return None
    if unit == SPEAKER:
        return known.speaker
    if unit == TEXT and known.text is not None:
        return " ".join(known.text.casefold().split())
    return known.about.get(unit)


def check_unit(unit: str, found: Iterable[UtteranceFacts]) -> None:
    """Raise UserError, naming what there is, where no utterance has anything of a unit."""
    columns: set[str] = set()
    for known in found:
        if unit in (UTTERANCE, RANDOM) or unit_value(unit, known):
            return
        columns |= known.about.keys()
        columns |= {SPEAKER} if known.speaker else set()
        columns |= {TEXT} if known.text else set()
    there = sorted(columns | {UTTERANCE, RANDOM})
    hint = did_you_mean(unit, there)
    raise UserError(f"data.split_by={unit}: no utterance has it{hint}; there are {', '.join(there)}")


def counted(count: int, unit: str) -> str:
    """12 speakers; 10 values of sentence."""
    unit = UTTERANCE if unit == RANDOM else unit
    if unit in (SPEAKER, UTTERANCE, TEXT):
        return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{count} value{'' if count == 1 else 's'} of {unit}"


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


def divide_evenly(seconds: Mapping[str, float], count: int) -> list[list[str]] | None:
    """Units in parts of about equal duration: the longest first, each goes to the shortest part so far.

    None where a part would be empty.
    """
    if len(seconds) < count:
        return None
    parts: list[list[str]] = [[] for _ in range(count)]
    held = [0.0] * count
    for unit in sorted(seconds, key=lambda unit: (-seconds[unit], hash_fraction(unit))):
        shortest = min(range(count), key=lambda part: (held[part], part))
        parts[shortest].append(unit)
        held[shortest] += seconds[unit]
    return parts


def seconds_by_unit(units: Sequence[str], seconds: Sequence[float]) -> dict[str, float]:
    """How long the utterances of every unit are together, units in the order of their first utterance."""
    found: dict[str, list[float]] = {}
    for unit, duration in zip(units, seconds, strict=True):
        found.setdefault(unit, []).append(duration)
    return {unit: sum(durations) for unit, durations in found.items()}


def assign_splits(members: Sequence[Member], dev_fraction: float, test_fraction: float) -> tuple[list[str], str]:
    """The split of every utterance, those that are missing drawn by speaker, and what to say about it."""
    return divide(members, Division(SPEAKER, False, dev_fraction, test_fraction))


def divide(members: Sequence[Member], division: Division) -> tuple[list[str], str]:
    """The split of every utterance, and what to say about it. Splits that the source gives are not touched.

    A dev or test that the source lacks is drawn from the rest by unit. Where none was asked for, that takes
    MIN_SPEAKERS units or more, and a source that does not share them between its own splits (then a drawn one would be
    a harder task than the given one); else it is drawn by utterance. Raises UserError where no test can be drawn by the
    unit that was asked for.
    """
    if division.test_folds is not None:
        return _with_test_fold(members, division)
    given = {member.split for member in members}
    fractions = {
        "dev": 0.0 if "dev" in given else division.dev_fraction,
        "test": 0.0 if "test" in given else division.test_fraction,
    }
    pool = [member for member in members if member.split in (None, "train")]
    if not any(fractions.values()) or not pool:
        return [member.split or "train" for member in members], f"splits as the source gives them: {_counts(members)}"
    held_out = {_value(member, division) for member in members if member.split in ("dev", "test")} - {None}
    known = {_value(member, division) for member in pool} - {None}
    apart = division.asked or (len(known) >= MIN_SPEAKERS and not known & held_out)
    units = [(_value(member, division) if apart else None) or member.id for member in pool]
    drawn = draw_splits(units, fractions["dev"], fractions["test"])
    if division.asked and fractions["test"] > 0 and "test" not in drawn.values():
        raise UserError(
            f"data.split_by={division.unit}: {counted(len(drawn), division.unit)} in {len(pool)} utterances are too "
            "few to hold some out as test; split by something else"
        )
    of_pool = {member.id: drawn[unit] for member, unit in zip(pool, units, strict=True)}
    lone = _draw_dev_by_utterance(of_pool, fractions["dev"]) if division.asked else ""
    splits = [of_pool.get(member.id, member.split or "train") for member in members]
    counts = Counter(drawn.values())
    parts = ", ".join(f"{counts[split]} {split}" for split in SPLITS if split == "train" or fractions[split] > 0)
    unit = division.unit if apart and division.unit != RANDOM else UTTERANCE
    kept = sorted(split for split in given - {None, "train"} if split is not None)
    note = f"{counted(len(drawn), unit)}: {parts} (by hash of the {unit}){lone}"
    return splits, note + (f"; {' and '.join(kept)} as the source gives it" if kept else "")


def _with_test_fold(members: Sequence[Member], division: Division) -> tuple[list[str], str]:
    """Part `test_fold` of `test_folds` as test, dev drawn from the others by the same unit."""
    folds, fold = division.test_folds or 1, division.test_fold
    known = {_value(member, division) for member in members} - {None}
    apart = division.asked or len(known) >= MIN_SPEAKERS
    unit = division.unit if apart and division.unit != RANDOM else UTTERANCE
    units = [(_value(member, division) if apart else None) or member.id for member in members]
    parts = divide_evenly(seconds_by_unit(units, [member.seconds for member in members]), folds)
    if parts is None:
        there = counted(len(set(units)), unit)
        raise UserError(f"data.test_folds={folds}: the corpus has {there}, and each part needs one at least")
    test = set(parts[fold - 1])
    drawn = draw_splits([name for name in units if name not in test], division.dev_fraction, 0.0)
    of_member = {member.id: drawn.get(name, "test") for member, name in zip(members, units, strict=True)}
    lone = _draw_dev_by_utterance(of_member, division.dev_fraction)
    counts = Counter(drawn.values())
    note = (
        f"test is part {fold} of {folds} by {unit}: {counted(len(test), unit)}; of the others "
        f"{counts['train']} train, {counts['dev']} dev (by hash of the {unit}){lone}"
    )
    return [of_member[member.id] for member in members], note


def _draw_dev_by_utterance(split_of: dict[str, str], fraction: float) -> str:
    """Take a dev that has no unit of its own out of train, utterance by utterance; what to say of it."""
    if fraction == 0 or "dev" in split_of.values():
        return ""
    train = [name for name, split in split_of.items() if split == "train"]
    split_of |= draw_splits(train, fraction, 0.0)
    return "; dev out of train by utterance, no unit being left for it"


def _value(member: Member, division: Division) -> str | None:
    if division.unit == SPEAKER:
        return member.speaker
    return None if division.unit in (UTTERANCE, RANDOM) else member.value


def shared_with_train(values: Sequence[str | None], splits: Sequence[str]) -> tuple[list[str], int]:
    """Which values of test are in train too, and how many test has."""
    of = {name: {value for value, split in zip(values, splits, strict=True) if split == name} for name in SPLITS}
    test = of["test"] - {None}
    return sorted(value for value in test & of["train"] if value is not None), len(test)


def _counts(members: Sequence[Member]) -> str:
    counts = Counter(member.split or "train" for member in members)
    return ", ".join(f"{counts[split]} {split}" for split in SPLITS if counts[split])
