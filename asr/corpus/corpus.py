"""A corpus: every utterance checked, in train, dev and test, its audio in memory where it fits."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from lhotse import CutSet, MonoCut
from lhotse.cut import Cut

from asr.corpus.checking import CheckedUtterance, Progress, check_all, common_rate, with_targets
from asr.corpus.decoded import check_with_cache
from asr.corpus.splits import (
    RANDOM,
    SPEAKER,
    TEXT,
    UTTERANCE,
    Division,
    Member,
    check_unit,
    divide,
    shared_with_train,
    unit_value,
)
from asr.corpus.utterance import SPLITS, Reading, Rejection, Seconds, Utterance, UtteranceFacts
from asr.errors import UserError

GIB = 2**30
SESSION = "session"  # a column that says which recordings were made together
MOST_NAMED = 5  # rejected utterances that a message names; all of them are in rejected.jsonl


class CorpusError(UserError):
    """A corpus that cannot be used as it is; `rejected` says what is wrong with which utterance."""

    def __init__(self, message: str, rejected: Sequence[Rejection] = ()) -> None:
        super().__init__(message)
        self.rejected = list(rejected)


class StreamedSplit(Protocol):
    """A training split that is not held but read as training goes."""

    seconds: Seconds

    def __len__(self) -> int: ...

    def targets(self) -> Iterator[str]: ...


def seconds_of(part: CutSet | StreamedSplit) -> Seconds:
    return sum(cut.duration for cut in part) if isinstance(part, CutSet) else part.seconds


def targets_of(part: CutSet | StreamedSplit) -> Iterator[str]:
    """What a task is to learn of each utterance."""
    return (cut.supervisions[0].text for cut in part) if isinstance(part, CutSet) else part.targets()


@dataclass
class Corpus:
    """CheckedUtterance utterances as eager CutSets of MonoCuts at `sample_rate` Hz, one supervision each.

    supervision.text is the target (for speech recognition the normalised text), supervision.custom[TRANSCRIPT] the
    text as the user wrote it, supervision.speaker the speaker, or the utterance id where none is known. `audio` holds
    samples (S,) by cut id, int16 (scale 32768) where exact, else float32, in memory or mapped from a file; a cut that
    is not in it is decoded by asr.corpus.cuts.load_samples. `split_by` is the unit that the user wants splits drawn by,
    `divided` says in a line how they came about.
    """

    splits: dict[str, Any]  # CutSets; train may be StreamedSplit
    rejected: list[Rejection]
    notes: list[str]
    audio: dict[str, np.ndarray]
    sample_rate: int
    split_by: str | None = None
    divided: str = ""

    def in_memory(self, cut: Cut) -> bool:
        """Whether its samples are held, not mapped from a file."""
        return cut.id in self.audio and not isinstance(self.audio[cut.id], np.memmap)

    def check_rejected(self, max_rejected: float) -> None:
        """Raise CorpusError where more than a share of `max_rejected` is rejected by now."""
        _check_share(self.rejected, sum(map(len, self.splits.values())) + len(self.rejected), max_rejected)


@dataclass
class _CheckResults:
    """What checking has gathered."""

    checked: list[CheckedUtterance] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    audio: dict[str, np.ndarray] = field(default_factory=dict)


def load_corpus(
    utterances: Iterable[Utterance],
    *,
    target_of: Callable[[UtteranceFacts], str],
    by_speaker: bool = True,
    sample_rate: int | None,
    dev_fraction: float,
    test_fraction: float,
    max_rejected: float,
    max_utterance_seconds: Seconds,
    cache_gib: float,
    cache_dir: str | None,
    split_by: str | None = None,
    test_folds: int | None = None,
    test_fold: int | None = None,
    splits: Collection[str] | None = None,
    on_progress: Progress | None = None,
) -> Corpus:
    """Decode and check every utterance once, and draw the splits that the source lacks.

    `target_of`: what is to be learnt of an utterance. `by_speaker`: whether splits that are drawn keep speakers apart,
    where `split_by` does not say what they are drawn by. `test_folds`, `test_fold`: as asr.corpus.splits.Division has
    them. `sample_rate` in Hz; None takes the one that most recordings have. `splits` names those wanted (None: all; dev
    and test may be left out by a fraction of 0). Audio is kept in memory up to `cache_gib`; with a `cache_dir`, it is
    decoded to there once, and what memory does not hold is mapped. `max_rejected` is a share in [0, 1]. Raises
    CorpusError (a UserError) where more is rejected, or where a wanted split is empty.
    """
    notes = [utterances.note] if isinstance(utterances, Reading) else []
    read = list(utterances)
    if not read:
        raise CorpusError("no utterances were found; set data.source to a folder with recordings and transcripts")
    unit = split_by or (SPEAKER if by_speaker else UTTERANCE)
    division = Division(unit, split_by is not None, dev_fraction, test_fraction, test_folds, test_fold or 1)
    if division.asked:
        check_unit(unit, (utterance.facts for utterance in read))
    if division.ignores_source:
        notes += _note_of_ignored(read)
        read = [replace(utterance, split=None) for utterance in read]
    wanted = set(SPLITS if splits is None else splits)
    given = {utterance.split for utterance in read}
    needed = [utterance for utterance in read if _is_needed(utterance, wanted, given)]
    others = [utterance for utterance in read if utterance.split not in (None, "train", *wanted)]
    found = _CheckResults()
    targeted = with_targets(needed, target_of, found.rejected)
    rate = sample_rate or common_rate([item.utterance for item in targeted]) or 16000
    if not cache_dir:
        outcomes = check_all(targeted, rate, max_utterance_seconds, on_progress)
    else:
        outcomes, note = check_with_cache(targeted, rate, max_utterance_seconds, on_progress, Path(str(cache_dir)))
        notes.append(note)
    _gather(outcomes, found, cache_gib * GIB)
    _check_share(found.rejected, len(needed), max_rejected)
    corpus = _assemble(found, others, rate, wanted, division, by_speaker)
    fractions = {"train": 1.0, "dev": dev_fraction, "test": test_fraction}
    for split in SPLITS:
        if split in wanted and not len(corpus.splits[split]) and (fractions[split] > 0 or wanted == {split}):
            raise CorpusError(_empty_split(split, len(found.checked)), found.rejected)
    corpus.notes[:0] = notes + _conversions(found.checked, rate)
    return corpus


def _is_needed(utterance: Utterance, wanted: Collection[str], given: Collection[str | None]) -> bool:
    """Whether an utterance can end up in a wanted split: a dev or test that is not given is drawn from the rest."""
    if utterance.split in wanted:
        return True
    return utterance.split in (None, "train") and ("train" in wanted or any(split not in given for split in wanted))


def _gather(outcomes: Iterable[CheckedUtterance], found: _CheckResults, cache_bytes: float) -> None:
    """Sort outcomes into usable and rejected; hold samples until the cache is full, and beyond it what is mapped."""
    held = 0
    for checked in outcomes:
        if checked.rejection is not None:
            found.rejected.append(checked.rejection)
            continue
        assert checked.samples is not None
        held += checked.samples.nbytes
        mapped = isinstance(checked.samples, np.memmap)
        if held <= cache_bytes:
            found.audio[checked.utterance.id] = np.array(checked.samples) if mapped else checked.samples
        elif mapped:
            found.audio[checked.utterance.id] = checked.samples
        found.checked.append(replace(checked, samples=None))


def _check_share(rejected: Sequence[Rejection], total: int, max_rejected: float) -> None:
    if not rejected or len(rejected) <= max_rejected * total:
        return
    named = "\n".join(f"  {rejection}" for rejection in rejected[:MOST_NAMED])
    more = f"\n  and {len(rejected) - MOST_NAMED} more" if len(rejected) > MOST_NAMED else ""
    share = len(rejected) / total
    raise CorpusError(
        f"{len(rejected)} of {total} utterances ({share:.1%}) cannot be used, more than data.max_rejected "
        f"({max_rejected:.1%}):\n{named}{more}\nmend them, or go on without them: "
        f"data.max_rejected={math.ceil(share * 100) / 100:g}",
        rejected,
    )


def _note_of_ignored(read: Sequence[Utterance]) -> list[str]:
    """What is said where splits of the source are not used."""
    counts = Counter(utterance.split for utterance in read if utterance.split is not None)
    named = ", ".join(f"{counts[split]} {split}" for split in SPLITS if counts[split])
    return [f"the splits of the source ({named}) are not used"] if counts else []


def _assemble(
    found: _CheckResults,
    others: Sequence[Utterance],
    rate: int,
    wanted: Collection[str],
    division: Division,
    by_speaker: bool,
) -> Corpus:
    """Divide the checked utterances. `others` are of splits that are not wanted; they too decide what is drawn."""
    seconds = [item.cut.duration for item in found.checked if item.cut is not None] + [0.0] * len(others)
    utterances = [*(item.utterance for item in found.checked), *others]
    members = [
        Member(each.id, each.speaker, each.split, unit_value(division.unit, each.facts), duration)
        for each, duration in zip(utterances, seconds, strict=True)
    ]
    assigned, note = divide(members, division)
    cuts: dict[str, list[MonoCut]] = {split: [] for split in SPLITS}
    for checked, split in zip(found.checked, assigned, strict=False):  # the others come last
        assert checked.cut is not None
        if split in wanted:
            cuts[split].append(checked.cut)
        else:
            found.audio.pop(checked.cut.id, None)
    notes = [note, *_shared(utterances, assigned, division, by_speaker)]
    parts = {split: CutSet.from_cuts(cuts[split]) for split in SPLITS}
    split_by = division.unit if division.asked else None
    return Corpus(parts, found.rejected, notes, found.audio, rate, split_by, note)


def _shared(
    utterances: Sequence[Utterance], assigned: Sequence[str], division: Division, by_speaker: bool
) -> Iterator[str]:
    """A note of what test shares with train: of speakers, which; of splits drawn at random, how much of what."""
    if division.unit == RANDOM:
        leaks = []
        for unit in (SPEAKER, SESSION, TEXT) if by_speaker else (SESSION, TEXT):
            shared, there = shared_with_train([unit_value(unit, each.facts) for each in utterances], assigned)
            if shared:
                leaks.append(f"{len(shared)} of {there} {unit}s")
        if leaks:
            yield f"a random split: {', '.join(leaks)} of test are in train too"
    elif by_speaker:
        shared, _ = shared_with_train([each.speaker for each in utterances], assigned)
        more = f" and {len(shared) - MOST_NAMED} more" if len(shared) > MOST_NAMED else ""
        if shared:
            named = ", ".join(shared[:MOST_NAMED]) + more
            yield f"speakers in both train and test: {named}; speakers never heard will be harder"


def _conversions(checked: Sequence[CheckedUtterance], rate: int) -> list[str]:
    """Notes on recordings that had to be averaged or resampled, with the first of each kind."""
    notes = []
    for channels in sorted({item.channels for item in checked if item.channels > 1}):
        ids = [item.utterance.id for item in checked if item.channels == channels]
        kind = "stereo" if channels == 2 else f"{channels}-channel"
        notes.append(f"{len(ids)} {kind} recordings averaged to mono (first: {ids[0]})")
    for original in sorted({item.original_rate for item in checked} - {rate}):
        ids = [item.utterance.id for item in checked if item.original_rate == original]
        notes.append(f"{len(ids)} recordings resampled from {original} to {rate} Hz (first: {ids[0]})")
    return notes


def _empty_split(split: str, usable: int) -> str:
    if split == "train":
        return (
            f"the train split is empty: the {usable} usable utterances are in other splits; set data.source to a "
            "folder that holds train recordings too"
        )
    return (
        f"the {split} split is empty: {usable} usable utterances are too few to draw one; add recordings, put some in "
        f"a folder named {split}, or raise data.{split}_fraction"
    )
