"""The score above which two recordings are taken for one speaker's, learnt for a wanted rate of false alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, isfinite

import numpy as np

from asr.errors import UserError
from asr.evaluation.verification import check_finite, threshold_for

PAIRS = "pairs"  # a false alarm is one comparison of two speakers that is accepted
STRANGERS = "strangers"  # a false alarm is a stranger who is taken for any of the known voices
ENOUGH_FOR_A_VOICE = 5  # false alarms that its own scores must allow, for a threshold that one freak score cannot set


@dataclass(frozen=True)
class Calibration:
    """`threshold`: a higher score is accepted; `by_voice`: the same for voices with enough scores of their own.

    false_alarm: the wanted rate, in (0, 1). scores: which scores these are. missed: the share of targets that would be
    refused, None where there was none. source: what it was learnt of. nontargets: how many scores.
    """

    compared: str
    false_alarm: float
    threshold: float
    scores: str
    source: str
    nontargets: int
    targets: int
    missed: float | None
    by_voice: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(isfinite(value) for value in (self.threshold, self.false_alarm, *self.by_voice.values())):
            raise ValueError("a threshold is no number")

    @property
    def depends_on_all_voices(self) -> bool:
        return self.compared == STRANGERS

    def without_voice(self, name: str) -> "Calibration":
        """The same, once a voice has changed and its own threshold no longer holds."""
        return replace(self, by_voice={voice: value for voice, value in self.by_voice.items() if voice != name})

    def threshold_of(self, voice: str | None = None) -> float:
        return self.by_voice.get(voice, self.threshold) if voice is not None else self.threshold

    def __str__(self) -> str:
        missed = "" if self.missed is None else f", {self.missed:.1%} of {self.targets} same-speaker scores missed"
        own = f", {len(self.by_voice)} voices with one of their own" if self.by_voice else ""
        return (
            f"threshold {self.threshold:.4f} ({self.scores}) for {self.false_alarm:.2%} false alarms, from "
            f"{self.nontargets} different-speaker scores of {self.source}{missed}{own}"
        )


def calibrate_pairs(
    scores: np.ndarray,
    targets: np.ndarray,
    voices: Sequence[str | None],
    false_alarm: float,
    scoring: str,
    source: str,
) -> Calibration:
    """From scores of trials (K,); voices: which known voice each was compared with, None for a recording.

    Raises UserError where different-speaker scores are too few for the wanted rate.
    """
    check_finite(scores)
    nontargets = scores[~targets]
    threshold = _threshold(nontargets, false_alarm, source)
    by_voice = {}
    names = np.array([voice or "" for voice in voices])
    for voice in sorted({voice for voice in voices if voice}):
        own = nontargets[names[~targets] == voice]
        if false_alarm * (len(own) + 1) >= ENOUGH_FOR_A_VOICE:
            by_voice[voice] = _threshold(own, false_alarm, source)
    limits = np.array([by_voice.get(voice or "", threshold) for voice in voices])
    missed = float((scores <= limits)[targets].mean()) if targets.any() else None
    counts = int((~targets).sum()), int(targets.sum())
    return Calibration(PAIRS, false_alarm, threshold, scoring, source, *counts, missed, by_voice)


def calibrate_strangers(
    embeddings: np.ndarray, owners: np.ndarray, names: Sequence[str], false_alarm: float, scoring: str
) -> Calibration:
    """From enrolled recordings (R, E) of length 1 and whose they are (R,): each is a stranger to all other voices.

    Same-speaker scores are each recording's with the others of its voice. A voice has a threshold of its own where it
    has enough scores for its share, the wanted rate over the number of voices, so that the rate holds for all together.
    Raises UserError where recordings are too few for the wanted rate.
    """
    if len(names) < 3:
        raise UserError(f"{len(names)} voices cannot show what a stranger scores; enrol three or more, or give trials")
    sums = np.zeros((len(names), embeddings.shape[1]))
    np.add.at(sums, owners, embeddings)
    count, rows = np.bincount(owners, minlength=len(names)), np.arange(len(owners))
    scores = embeddings @ (sums / np.linalg.norm(sums, axis=1, keepdims=True)).T  # (R, N)
    others = np.where(owners[:, None] == np.arange(len(names)), -np.inf, scores)
    rest = sums[owners] - embeddings
    length = np.linalg.norm(rest, axis=1)
    several = (count[owners] > 1) & (length > 0)
    own = (embeddings * rest).sum(axis=1)[several] / length[several]
    threshold = _threshold(others.max(axis=1), false_alarm, "the enrolled recordings")
    by_voice, share = {}, false_alarm / len(names)
    against = [others[rows[owners != i], i] for i in range(len(names))]
    if all(share * (len(each) + 1) >= ENOUGH_FOR_A_VOICE for each in against):
        by_voice = {
            name: _threshold(each, share, "the enrolled recordings") for name, each in zip(names, against, strict=True)
        }
    limits = np.array([by_voice.get(names[i], threshold) for i in owners[several]])
    missed = float((own <= limits).mean()) if len(own) else None
    where = "the enrolled recordings"
    return Calibration(STRANGERS, false_alarm, threshold, scoring, where, len(owners), len(own), missed, by_voice)


def _threshold(nontargets: np.ndarray, false_alarm: float, source: str) -> float:
    found = threshold_for(nontargets, false_alarm)
    if found is None:
        least, possible = ceil(1 / false_alarm - 1 - 1e-9), 1 / (len(nontargets) + 1)
        raise UserError(
            f"{len(nontargets)} different-speaker scores of {source} cannot show a false alarm rate of "
            f"{false_alarm:g}; give {least} or more, or --false-alarm {ceil(possible * 1000) / 1000:g}"
        )
    return found


def choose_calibration(
    calibrations: Mapping[str, Calibration], kinds: Sequence[str], scores: str
) -> Calibration | None:
    """The first of these kinds that there is, of scores such as these."""
    there = (calibrations.get(kind) for kind in kinds)
    return next((each for each in there if each is not None and each.scores == scores), None)
