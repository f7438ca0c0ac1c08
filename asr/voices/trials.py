"""Lists of trials: read in VoxCeleb's form or Kaldi's, drawn from speakers, written with their scores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from pathlib import Path

import numpy as np

from asr.corpus.readers.lines import numbered_lines
from asr.errors import UserError
from asr.voices.embedding import check_no_space

KINDS = {"target": True, "nontarget": False}
VOXCELEB_KINDS = {"1": True, "0": False}
MOST_OF_A_SPEAKER = 100  # same-speaker trials
MOST_DRAWS = 100  # of a different speaker's recording that is not yet paired with one


@dataclass(frozen=True)
class Trial:
    """Two recordings, or a known voice and a recording; `target`: whether one speaker said both."""

    enrolled: str
    test: str
    target: bool

    def __str__(self) -> str:
        return f"{self.enrolled} {self.test} {kind_of(self.target)}"


def kind_of(target: bool) -> str:
    return "target" if target else "nontarget"


def read_trials(path: Path) -> list[Trial]:
    """Lines `1 a.wav b.wav` (VoxCeleb) or `a b target|nontarget` (Kaldi); UserError naming one that is neither."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; give a list of trials")
    trials = [_trial(path, number, line.split()) for number, line in numbered_lines(path) if line.strip()]
    if not trials:
        raise UserError(f"{path}: holds no trial; give lines such as: 1 a.wav b.wav")
    return trials


def _trial(path: Path, number: int, fields: Sequence[str]) -> Trial:
    if len(fields) == 3 and fields[2] in KINDS:
        return Trial(fields[0], fields[1], KINDS[fields[2]])
    if len(fields) == 3 and fields[0] in VOXCELEB_KINDS:
        return Trial(fields[1], fields[2], VOXCELEB_KINDS[fields[0]])
    raise UserError(
        f"{path}, line {number}: {' '.join(fields)[:80]!r} is no trial; write '1 a.wav b.wav', '0 a.wav b.wav', "
        "'a b target' or 'a b nontarget'"
    )


def read_speakers(path: Path) -> dict[str, str]:
    """Lines `recording speaker`, as in Kaldi's utt2spk; UserError naming the first that is none."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; give lines such as: a.wav anna")
    speakers: dict[str, str] = {}
    for number, line in numbered_lines(path):
        fields = line.split()
        if fields and len(fields) != 2:
            raise UserError(
                f"{path}, line {number}: {line[:80]!r} is not a recording and its speaker; write: a.wav anna"
            )
        if fields and speakers.setdefault(fields[0], fields[1]) != fields[1]:
            raise UserError(f"{path}, line {number}: {fields[0]} has another speaker further up; keep one of the lines")
    return speakers


def speakers_beside(trials: Path) -> Path:
    """Where a list that is drawn says whose its recordings are."""
    return trials.with_suffix(".speakers")


def speakers_by_folder(trials: Sequence[Trial]) -> dict[str, str] | None:
    """The first folder of each path as its speaker, as in VoxCeleb, where every trial agrees with that; else None."""
    names = {name for trial in trials for name in (trial.enrolled, trial.test)}
    folders = {name: name.partition("/")[0] for name in names if "/" in name}
    agreed = all(
        trial.enrolled in folders
        and trial.test in folders
        and (folders[trial.enrolled] == folders[trial.test]) == trial.target
        for trial in trials
    )
    return folders if agreed else None


def write_scores(trials: Sequence[Trial], scores: np.ndarray) -> str:
    """Lines `enrolled test 0.12345 target`."""
    return "".join(
        f"{trial.enrolled} {trial.test} {score:.5f} {kind_of(trial.target)}\n"
        for trial, score in zip(trials, scores, strict=True)
    )


def make_trials(speakers: Mapping[str, str], seed: int = 0, most_of_a_speaker: int = MOST_OF_A_SPEAKER) -> list[Trial]:
    """Trials of recordings, whose speakers are given: pairs of each speaker, and as many with another speaker's.

    The same recordings and seed give the same trials, in any order, on any machine. Of a speaker with more than
    `most_of_a_speaker` pairs, so many are drawn. Raises UserError where there are no pairs of both kinds.
    """
    by_speaker: dict[str, list[str]] = {}
    for name in sorted(speakers):
        check_no_space(name, "a list of trials", "rename it")
        by_speaker.setdefault(speakers[name], []).append(name)
    if len(by_speaker) < 2 or all(len(names) < 2 for names in by_speaker.values()):
        raise UserError(
            f"{len(speakers)} recordings of {len(by_speaker)} speakers make no trials; give at least two speakers, "
            "one of them with two recordings"
        )
    same = [pair for names in by_speaker.values() for pair in _drawn_pairs(names, seed, most_of_a_speaker)]
    different = _pairs_with_others([first for first, _ in same], speakers, seed)
    trials = [Trial(*pair, True) for pair in same] + [Trial(*pair, False) for pair in different]
    return sorted(trials, key=lambda trial: (trial.enrolled, trial.test))


def _drawn_pairs(names: Sequence[str], seed: int, most: int) -> list[tuple[str, str]]:
    pairs = sorted(combinations(names, 2), key=lambda pair: _drawn(seed, "same", *pair))
    return pairs[:most]


def _pairs_with_others(firsts: Iterable[str], speakers: Mapping[str, str], seed: int) -> list[tuple[str, str]]:
    """Each recording with one of another speaker, no pair twice; fewer where there are no more."""
    names, found = sorted(speakers), dict.fromkeys([("", "")])
    for turn, first in enumerate(firsts):
        for attempt in range(MOST_DRAWS):
            second = names[_drawn(seed, "different", first, str(turn), str(attempt)) % len(names)]
            pair = (first, second)
            if speakers[second] != speakers[first] and pair not in found and pair[::-1] not in found:
                found[pair] = None
                break
    return list(found)[1:]


def _drawn(seed: int, *words: str) -> int:
    """A number of 64 bits that depends on the seed and the words alone."""
    return int.from_bytes(blake2b("\0".join([str(seed), *words]).encode(), digest_size=8).digest(), "big")
