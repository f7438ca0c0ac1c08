"""Whether one system is better than another on the same utterances, or was only luckier: the paired bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asr.evaluation.bootstrap import Resampled, resample_utterances, units_of, utterances_for_power

RESAMPLES = 10_000  # p-values want more than intervals


@dataclass(frozen=True)
class PairedDifference:
    """Two rates on the same utterances and their difference (rate − rate_against), all fractions.

    p: two-sided; over: what was resampled, "speakers" or "utterances"; units: how many of them there were.
    utterances_for_power_80: how many would show a difference of this size with 80 % power at the 5 % level.
    """

    rate: float
    rate_against: float
    difference: float
    ci95: tuple[float, float]
    p: float
    over: str
    units: int
    utterances_for_power_80: int | None


def compare_rates(
    numerators: np.ndarray,
    numerators_against: np.ndarray,
    denominators: np.ndarray,
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
) -> PairedDifference:
    """Test a rate, sum(numerators) / sum(denominators), against another system's on the same utterances.

    numerators, numerators_against (U,): of each utterance, such as its errors; denominators (U,): such as its words,
        not all of them 0.
    groups: the speaker of every utterance, as for `units_of`. Both systems are drawn together, so what is hard for
        both cancels out (Bisani & Ney 2004).
    """
    units, over = units_of(groups, len(denominators))
    differences = resample_utterances(numerators - numerators_against, denominators, units, seed, RESAMPLES)
    rate, against = (float(each.sum() / denominators.sum()) for each in (numerators, numerators_against))
    return paired_difference(rate, against, differences, over, len(denominators))


def paired_difference(
    rate: float, rate_against: float, differences: Resampled, over: str, utterances: int
) -> PairedDifference:
    """What a bootstrap of the difference of two rates says; over: what was resampled."""
    return PairedDifference(
        rate=rate,
        rate_against=rate_against,
        difference=differences.rate,
        ci95=differences.symmetric_interval(),
        p=differences.two_sided_p,
        over=over,
        units=differences.units,
        utterances_for_power_80=utterances_for_power(differences.rate, differences.standard_error, utterances),
    )
