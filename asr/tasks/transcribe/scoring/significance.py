"""Whether one recogniser is better than another on the same utterances, or was only luckier."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np

from asr.errors import UserError
from asr.evaluation.paired import compare_rates
from asr.tasks.transcribe.scoring.confusions import AlignedWord, align_words

APART = 2  # words right between two errors of different segments


@dataclass(frozen=True)
class MatchedPairs:
    """The matched-pairs sentence-segment word error test: segments, mean difference of their errors, z and p."""

    segments: int
    mean_difference: float
    z: float
    p: float


@dataclass(frozen=True)
class Comparison:
    """Two recognisers on the same utterances; rates and their difference (wer − wer_against) are fractions.

    utterances_for_power_80: how many would show a difference of this size with 80 % power at the 5 % level.
    """

    utterances: int
    words: int
    wer: float
    wer_against: float
    difference: float
    difference_ci95: tuple[float, float]
    bootstrap_p: float
    bootstrap_over: str
    bootstrap_units: int
    mapsswe: MatchedPairs
    utterances_for_power_80: int | None

    def as_dict(self) -> dict[str, Any]:
        """What goes into comparison.json."""
        return asdict(self) | {"difference_ci95": list(self.difference_ci95)}


def compare(
    references: Sequence[str],
    hypotheses: Sequence[str],
    others: Sequence[str],
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
) -> Comparison:
    """Test normalised `hypotheses` against `others`, both of the same normalised references, one utterance each.

    groups: the speaker of every utterance, as for `score`. Raises UserError where fewer than two utterances, or no
    words, are there.
    """
    if len(references) < 2:
        raise UserError(f"{len(references)} utterance is too little to compare on; give a larger test set")
    ours, theirs = align_words(references, hypotheses), align_words(references, others)
    errors, errors_against = _errors(ours), _errors(theirs)
    words = np.array([len(reference.split()) for reference in references])
    if not words.any():
        raise UserError("no reference of the test set holds a word, so there is no word error rate to compare")
    tested = compare_rates(errors, errors_against, words, groups, seed)
    return Comparison(
        utterances=len(references),
        words=int(words.sum()),
        wer=tested.rate,
        wer_against=tested.rate_against,
        difference=tested.difference,
        difference_ci95=tested.ci95,
        bootstrap_p=tested.p,
        bootstrap_over=tested.over,
        bootstrap_units=tested.units,
        mapsswe=mapsswe([pair for one, other in zip(ours, theirs, strict=True) for pair in segments(one, other)]),
        utterances_for_power_80=tested.utterances_for_power_80,
    )


def mapsswe(pairs: Sequence[tuple[int, int]]) -> MatchedPairs:
    """The test over the errors (ours, theirs) of every segment, two-sided, by the normal distribution.

    Gillick & Cox 1989, "Some statistical issues in the comparison of speech recognition algorithms". It takes segments
    as independent of one another, also those of one speaker.
    """
    from scipy.special import ndtr  # the normal distribution; here, for scipy takes half a second to import

    differences = np.array([ours - theirs for ours, theirs in pairs], dtype=float)
    if len(differences) < 2 or not differences.any():
        return MatchedPairs(len(differences), float(differences.mean()) if len(differences) else 0.0, 0.0, 1.0)
    spread = max(float(differences.std(ddof=1)), 1e-12)
    z = float(differences.mean()) / (spread / sqrt(len(differences)))
    return MatchedPairs(len(differences), float(differences.mean()), z, 2 * float(ndtr(-abs(z))))


def segments(ours: Sequence[AlignedWord], theirs: Sequence[AlignedWord]) -> Iterator[tuple[int, int]]:
    """The errors of both in every part of an utterance that two words, which both have right, set apart.

    ours, theirs: alignments with the same reference. (NIST's choice of segments; Pallett, Fisher & Fiscus 1990.)
    """
    slots = zip(_by_slot(ours), _by_slot(theirs), strict=True)
    found, right = [0, 0], APART
    for place, (one, other) in enumerate(slots):
        if one or other:
            if right >= APART and any(found):
                yield found[0], found[1]
                found = [0, 0]
            found[0] += one
            found[1] += other
            right = 0
        else:
            right += place % 2  # words are at odd places
    if any(found):
        yield found[0], found[1]


def _by_slot(alignment: Sequence[AlignedWord]) -> list[int]:
    """Errors at every place of the reference: inserted before the first word, the first word wrong, inserted after …"""
    errors = [0]
    for reference, hypothesis in alignment:
        if reference is None:
            errors[-1] += 1
        else:
            errors += [int(reference != hypothesis), 0]
    return errors


def _errors(alignments: Sequence[Sequence[AlignedWord]]) -> np.ndarray:
    return np.array([sum(spoken != heard for spoken, heard in alignment) for alignment in alignments])
