"""Confidence intervals of rates by the studentised bootstrap over speakers, which is right with few speakers too.

A rate is a ratio of sums over utterances, such as errors over words; a unit is what is drawn, such as a speaker.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf
from typing import Any

import numpy as np

RESAMPLES = 2000
MOST_DRAWS, FEWEST_RESAMPLES = 20_000_000, 500  # a set of many units takes fewer: seconds, not minutes
RESAMPLES_AT_ONCE = 100  # bounds the memory that a large test set takes
MIN_SPEAKERS = 3  # fewer cannot say how much speakers differ
FEW_UNITS = 10  # fewer are too few to trust an interval: a bootstrap over them underestimates how much they differ
MOST_TIMES_WIDER = 2  # a bootstrap interval that is wider than Student's by more is made by a few freak draws
NONE_FOUND = 0.05  # the chance of no error at all, at the upper end of the interval of a set without errors

Statistic = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # (R, N) draws -> (R,) values, standard errors


def units_of(groups: Sequence[str | None] | None, utterances: int) -> tuple[np.ndarray, str]:
    """For every utterance the index (U,) of the unit that is resampled with it, and what these units are.

    groups: the speaker of every utterance; one that is not known (None) is a speaker of its own.
    """
    labels = [i if group is None else group for i, group in enumerate(groups or [])]
    if len(set(labels)) < MIN_SPEAKERS or all(group is None for group in groups or []):
        return np.arange(utterances), "utterances"
    order = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    return np.array([order[label] for label in labels]), "speakers"


def speakers_of(lines: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Whose each line of hypotheses.jsonl is, None where that is not known.

    In lines of several trainings, an utterance without a speaker is one speaker's with each of them.
    """
    speakers, names = [line.get("speaker") for line in lines], [str(line["id"]) for line in lines]
    if len(set(names)) == len(names):
        return speakers
    return [speaker or name for speaker, name in zip(speakers, names, strict=True)]


@dataclass(frozen=True)
class Resampled:
    """A rate over N units, its standard error, and (R,) the studentised deviations of draws from it.

    The deviation of a draw is (its rate − rate) / (its standard error), ±inf where all of its units are alike.
    """

    rate: float
    standard_error: float
    deviations: np.ndarray
    units: int

    @property
    def two_sided_p(self) -> float:
        """How often chance alone would deviate from zero as far as `rate` does."""
        if self.units < 2 or self.rate == 0:
            return 1.0
        observed = abs(self.rate) / self.standard_error if self.standard_error > 0 else inf
        return float((1 + (np.abs(self.deviations) >= observed).sum()) / (1 + len(self.deviations)))

    def interval(self, total: int) -> tuple[float, float]:
        """95 % interval of an error rate; `total` is what the rate is out of, such as words.

        Bootstrap-t (Efron & Tibshirani 1993, ch. 12.5): the percentile interval of six speakers holds the truth in
        70 to 85 % of cases, this one in 89 to 94 % (bench/intervals.py). Where units are too few or errors too rare for
        it to be stable, or it would reach 0, on the logarithm with Student's t; without any error, up to where that
        many words without one have a chance of 5 %.
        """
        if self.rate == 0:
            return 0.0, 1 - NONE_FOUND ** (1 / total)
        if self.standard_error == 0:
            return self.rate, self.rate
        factor = exp(student_t(self.units - 1) * self.standard_error / self.rate)
        down, up = np.quantile(self.deviations, [0.975, 0.025], method="inverted_cdf")
        low, high = self.rate - down * self.standard_error, self.rate - up * self.standard_error
        if high - max(low, 0) > MOST_TIMES_WIDER * self.rate * (factor - 1 / factor):
            return self.rate / factor, self.rate * factor
        return float(low) if low > 0 else self.rate / factor, float(high)

    def interval_of_rest(self, total: int) -> tuple[float, float]:
        """95 % interval of 1 − rate, the share of what is right where `rate` is one of errors.

        Where nothing is right, up to where that many wrong ones alone have a chance of 5 %.
        """
        if self.rate == 1 and self.standard_error == 0:
            return 0.0, 1 - NONE_FOUND ** (1 / total)
        low, high = self.interval(total)
        return max(0.0, 1 - high), 1 - low

    def symmetric_interval(self) -> tuple[float, float]:
        """95 % interval of a difference between two rates, which `two_sided_p` agrees with."""
        far = np.quantile(np.abs(self.deviations), 0.95, method="inverted_cdf")
        reach = (far if np.isfinite(far) else student_t(self.units - 1)) * self.standard_error
        return float(self.rate - reach), float(self.rate + reach)


def resample_utterances(
    numerators: np.ndarray, denominators: np.ndarray, units: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Resampled:
    """`resample` of utterances (U,) that are drawn together with others of their unit; units: (U,) indices."""
    return resample(np.bincount(units, numerators), np.bincount(units, denominators), seed, resamples)


def resample(numerators: np.ndarray, denominators: np.ndarray, seed: int, resamples: int = RESAMPLES) -> Resampled:
    """Draw units with replacement; numerators (errors, of either sign), denominators (words): (N,) of each unit.

    Standard errors are those of a ratio of sums, by linearisation. Bisani & Ney 2004, "Bootstrap estimates for
    confidence intervals in ASR performance evaluation".
    """
    numerators, denominators = numerators.astype(float), denominators.astype(float)
    return studentised(lambda drawn: _ratios(drawn, numerators, denominators), len(numerators), seed, resamples)


def studentised(
    statistic: Statistic, units: int, seed: int, resamples: int = RESAMPLES, strata: np.ndarray | None = None
) -> Resampled:
    """A statistic of N units and of `resamples` draws of them, with replacement, each with its standard error.

    statistic: of (R, N) how often each unit was drawn; a draw that has no value is NaN, and left out.
    strata: (N,) indices; each of them keeps its number of units in every draw. Without: units come from all.
    scipy.stats.bootstrap has the percentile, basic and BCa intervals, but neither this one nor draws within strata.
    """
    (rate,), (standard_error,) = statistic(np.ones((1, units)))
    random = np.random.default_rng(seed)
    resamples = min(resamples, max(MOST_DRAWS // units, FEWEST_RESAMPLES))
    deviations = []
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        drawn = _draws(random, units, min(RESAMPLES_AT_ONCE, resamples - start), strata)
        rates, errors_of = statistic(drawn)
        apart = np.where(np.isclose(rates, rate, rtol=0, atol=1e-12), 0.0, rates - rate)
        with np.errstate(divide="ignore", invalid="ignore"):
            deviations.append(np.where(apart == 0, 0.0, apart / errors_of)[~np.isnan(rates)])
    return Resampled(float(rate), float(standard_error), np.concatenate(deviations), units)


def _draws(random: np.random.Generator, units: int, rows: int, strata: np.ndarray | None) -> np.ndarray:
    """(R, N): how often each unit was drawn."""
    members = [np.arange(units)] if strata is None else [np.flatnonzero(strata == each) for each in np.unique(strata)]
    drawn = np.zeros((rows, units))
    for columns in members:
        size = len(columns)
        drawn[:, columns] = random.multinomial(size, np.full(size, 1 / size), size=rows)
    return drawn


def _ratios(drawn: np.ndarray, numerators: np.ndarray, denominators: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """drawn (R, N): how often each unit -> (R,) ratios of sums, their standard errors; NaN where it is of nothing."""
    units, total = len(numerators), drawn @ denominators
    total = np.where(total > 0, total, np.nan)
    rates = (drawn @ numerators) / total
    size = drawn @ (numerators * numerators)
    squares = (
        size - 2 * rates * (drawn @ (numerators * denominators)) + rates**2 * (drawn @ (denominators * denominators))
    )
    squares = np.where(squares > 1e-9 * size, squares, 0.0)  # what rounding leaves of nothing
    return rates, np.sqrt(squares * units / max(units - 1, 1)) / total


def student_t(freedom: int) -> float:
    """The 97.5 % point of Student's t distribution."""
    from scipy.special import stdtrit  # here, for scipy takes half a second to import

    return float(stdtrit(freedom, 0.975))


def utterances_for_power(
    difference: float, standard_error: float, utterances: int, power: float = 0.8, level: float = 0.05
) -> int | None:
    """How many utterances, from speakers such as these, would show a difference of this size with that power.

    None where nothing differs. Standard errors shrink with the root of the number.
    """
    from scipy.special import ndtri  # the normal distribution's quantile

    if difference == 0 or standard_error == 0:
        return None
    wanted = ndtri(1 - level / 2) + ndtri(power)
    return int(np.ceil(utterances * (wanted * standard_error / difference) ** 2))
