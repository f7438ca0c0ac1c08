"""How sure a rate is: the bootstrap over speakers, studentised, which holds what it promises with few of them too."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf
from statistics import NormalDist

import numpy as np

RESAMPLES = 2000
MOST_DRAWS, FEWEST_RESAMPLES = 20_000_000, 500  # a set of many units takes fewer: seconds, not minutes
RESAMPLES_AT_ONCE = 100  # bounds the memory that a large test set takes
MIN_SPEAKERS = 3  # fewer cannot say how much speakers differ
FEW_UNITS = 10  # fewer are too few to trust an interval: a bootstrap over them underestimates how much they differ
MOST_TIMES_WIDER = 2  # a bootstrap interval that is wider than Student's by more is made by a few freak draws
NONE_FOUND = 0.05  # the chance of no error at all, at the upper end of the interval of a set without errors


def units_of(groups: Sequence[str | None] | None, utterances: int) -> tuple[np.ndarray, str]:
    """For every utterance the index (U,) of the unit that is resampled with it, and what these units are.

    groups: the speaker of every utterance; one that is not known (None) is a speaker of its own.
    """
    labels = [i if group is None else group for i, group in enumerate(groups or [])]
    if len(set(labels)) < MIN_SPEAKERS or all(group is None for group in groups or []):
        return np.arange(utterances), "utterances"
    order = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    return np.array([order[label] for label in labels]), "speakers"


@dataclass(frozen=True)
class Resampled:
    """A rate sum(errors) / sum(words) over N units, its standard error, and (R,) the studentised deviations from it.

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

    def interval(self, words: int) -> tuple[float, float]:
        """95 % interval of an error rate; `words` is what the rate is out of.

        Bootstrap-t (Efron & Tibshirani 1993, ch. 12.5): the percentile interval of six speakers holds the truth in
        70 to 85 % of cases, this one in 89 to 94 % (bench/intervals.py). Where units are too few or errors too rare for
        it to be stable, or it would reach 0, on the logarithm with Student's t; without any error, up to where that
        many words without one have a chance of 5 %.
        """
        if self.rate == 0:
            return 0.0, 1 - NONE_FOUND ** (1 / words)
        if self.standard_error == 0:
            return self.rate, self.rate
        factor = exp(student_t(self.units - 1) * self.standard_error / self.rate)
        down, up = np.quantile(self.deviations, [0.975, 0.025], method="inverted_cdf")
        low, high = self.rate - down * self.standard_error, self.rate - up * self.standard_error
        if high - max(low, 0) > MOST_TIMES_WIDER * self.rate * (factor - 1 / factor):
            return self.rate / factor, self.rate * factor
        return float(low) if low > 0 else self.rate / factor, float(high)

    def symmetric_interval(self) -> tuple[float, float]:
        """95 % interval of a difference between two rates, which `two_sided_p` agrees with."""
        far = np.quantile(np.abs(self.deviations), 0.95, method="inverted_cdf")
        reach = (far if np.isfinite(far) else student_t(self.units - 1)) * self.standard_error
        return float(self.rate - reach), float(self.rate + reach)


def resample(errors: np.ndarray, words: np.ndarray, seed: int, resamples: int = RESAMPLES) -> Resampled:
    """Draw units with replacement; errors, words: (N,) of each unit, errors of either sign.

    Standard errors are those of a ratio of sums, by linearisation. Bisani & Ney 2004, "Bootstrap estimates for
    confidence intervals in ASR performance evaluation".
    """
    errors, words, units = errors.astype(float), words.astype(float), len(errors)
    (rate,), (standard_error,) = _rates(np.ones((1, units)), errors, words)
    random = np.random.default_rng(seed)
    resamples = min(resamples, max(MOST_DRAWS // units, FEWEST_RESAMPLES))
    deviations = []
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        rows = min(RESAMPLES_AT_ONCE, resamples - start)
        drawn = random.multinomial(units, np.full(units, 1 / units), size=rows).astype(float)  # (R, N)
        rates, errors_of = _rates(drawn[drawn @ words > 0], errors, words)  # nothing but empty references: no rate
        apart = np.where(np.isclose(rates, rate, rtol=0, atol=1e-12), 0.0, rates - rate)
        with np.errstate(divide="ignore", invalid="ignore"):
            deviations.append(np.where(apart == 0, 0.0, apart / errors_of))
    return Resampled(float(rate), float(standard_error), np.concatenate(deviations), units)


def _rates(drawn: np.ndarray, errors: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """drawn (R, N): how often each unit -> (R,) rates, (R,) their standard errors."""
    units, total = len(errors), drawn @ words
    rates = (drawn @ errors) / total
    size = drawn @ (errors * errors)
    squares = size - 2 * rates * (drawn @ (errors * words)) + rates**2 * (drawn @ (words * words))
    squares = np.where(squares > 1e-9 * size, squares, 0.0)  # what rounding leaves of nothing
    return rates, np.sqrt(squares * units / max(units - 1, 1)) / total


def student_t(freedom: int) -> float:
    """The 97.5 % point of Student's t (expansion of Cornish & Fisher; Abramowitz & Stegun 26.7.5), 3 % short at 2."""
    z = NormalDist().inv_cdf(0.975)
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def utterances_for_power(
    difference: float, standard_error: float, utterances: int, power: float = 0.8, level: float = 0.05
) -> int | None:
    """How many utterances, from speakers such as these, would tell a difference of this size with that power.

    None where nothing differs. Standard errors shrink with the root of the number.
    """
    if difference == 0 or standard_error == 0:
        return None
    normal = NormalDist()
    wanted = normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power)
    return int(np.ceil(utterances * (wanted * standard_error / difference) ** 2))
