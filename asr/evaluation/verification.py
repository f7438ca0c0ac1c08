"""Scores of speaker verification: equal error rate, minimum detection cost, thresholds, intervals over speakers.

A trial is two recordings and their score; it is a target where one speaker said both. A trial is accepted where its
score is at least the threshold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import floor
from typing import Any

import numpy as np

from asr.errors import UserError
from asr.evaluation.bootstrap import FEWEST_RESAMPLES, MIN_SPEAKERS, NONE_FOUND, RESAMPLES, Resampled, studentised

P_TARGET = 0.01  # the prior of a target in minDCF; a miss and a false alarm cost 1 each
ROUNDING = 1e-12  # two rates that differ by less are the same
MOST_TRIALS_DRAWN = 80_000_000  # a long list takes fewer draws: a minute, not an hour


@dataclass(frozen=True)
class VerificationScore:
    """How well scores tell target from nontarget trials; rates are fractions.

    eer_ci95, min_dcf_ci95: (low, high), the 95 % intervals; one that was resampled over few units says little.
    eer_threshold, min_dcf_threshold: the lowest score that is accepted there; None where nothing is.
    interval_over: what was resampled, "speakers" or "files"; interval_units: how many of them there were.
    """

    eer: float
    eer_ci95: tuple[float, float]
    eer_threshold: float | None
    min_dcf: float
    min_dcf_ci95: tuple[float, float]
    min_dcf_threshold: float | None
    p_target: float
    targets: int
    nontargets: int
    interval_over: str
    interval_units: int

    def as_dict(self) -> dict[str, Any]:
        """What goes into JSON."""
        return asdict(self) | {"eer_ci95": list(self.eer_ci95), "min_dcf_ci95": list(self.min_dcf_ci95)}


@dataclass(frozen=True)
class OperatingPoint:
    """A rate at one place of the curve: `accepted` trials have the highest scores; its two parts weigh as said."""

    rate: float
    accepted: int
    weight_of_misses: float
    weight_of_false_alarms: float


class RankedTrials:
    """Trials (K,) by falling score. Raises UserError where scores are not finite or all trials are of one kind."""

    def __init__(self, scores: np.ndarray, targets: np.ndarray) -> None:
        scores, targets = np.asarray(scores, dtype=float), np.asarray(targets, dtype=bool)
        if scores.shape != targets.shape:
            raise ValueError("scores and targets must be of the same length")
        check_finite(scores)
        for kind, there in (("target", targets), ("nontarget", ~targets)):
            if not there.any():
                raise UserError(f"none of {len(scores)} trials is a {kind}; give a list with trials of both kinds")
        self.order = np.argsort(-scores, kind="stable")
        self.scores, self.targets = scores[self.order], targets[self.order]
        self.last = np.flatnonzero(np.append(np.diff(self.scores) != 0, True))  # of each run of equal scores

    def curve(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(K,) weights in the ranked order -> misses, false alarms (N+1,) as N different scores are accepted in turn.

        Both are NaN where the trials of one kind weigh nothing.
        """
        hits, alarms = np.cumsum(weights * self.targets), np.cumsum(weights * ~self.targets)
        if hits[-1] <= 0 or alarms[-1] <= 0:
            return np.full(len(self.last) + 1, np.nan), np.full(len(self.last) + 1, np.nan)
        return 1 - np.append(0.0, hits[self.last] / hits[-1]), np.append(0.0, alarms[self.last] / alarms[-1])

    def equal_error(self, weights: np.ndarray) -> OperatingPoint:
        """Where misses are as many as false alarms, on the straight line between the two nearest thresholds."""
        misses, alarms = self.curve(weights)
        apart = alarms - misses
        after = int(np.argmax(apart >= -ROUNDING))
        if np.isnan(apart[0]):
            return OperatingPoint(np.nan, 0, 0.5, 0.5)
        share = apart[after - 1] / (apart[after - 1] - apart[after])
        rate = misses[after - 1] + share * (misses[after] - misses[after - 1])
        return OperatingPoint(float(rate), int(self.last[after - 1]) + 1, 0.5, 0.5)

    def least_cost(self, weights: np.ndarray, p_target: float = P_TARGET) -> OperatingPoint:
        """The least P·miss + (1−P)·false alarm over all thresholds, over what deciding without listening costs.

        NIST 2016 Speaker Recognition Evaluation Plan, section 3.1.
        """
        misses, alarms = self.curve(weights)
        without = min(p_target, 1 - p_target)
        costs = (p_target * misses + (1 - p_target) * alarms) / without
        best = int(np.argmin(costs))
        accepted = int(self.last[best - 1]) + 1 if best else 0
        return OperatingPoint(float(costs[best]), accepted, p_target / without, (1 - p_target) / without)

    def threshold(self, point: OperatingPoint) -> float | None:
        return float(self.scores[point.accepted - 1]) if point.accepted else None


def check_finite(scores: np.ndarray) -> None:
    """Raise UserError naming the first score that is no number."""
    if not np.isfinite(scores).all():
        first = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise UserError(f"the score of trial {first + 1} is {scores[first]}; score them again with a sound model")


def score_trials(
    scores: np.ndarray,
    targets: np.ndarray,
    names: Sequence[tuple[str, str]],
    speakers: Mapping[str, str] | None = None,
    seed: int = 0,
    p_target: float = P_TARGET,
    resamples: int = RESAMPLES,
) -> VerificationScore:
    """EER and minDCF of trials (K,), with intervals; names: both recordings of each.

    speakers: whose each recording is. Where one is not known, or fewer than three are, recordings are resampled.
    Raises UserError where scores are not finite or all trials are of one kind.
    """
    ranked = RankedTrials(scores, targets)
    units, over = units_of_trials([names[i] for i in ranked.order], speakers)
    count, even = int(units.max()) + 1, np.ones(len(units))
    resamples = min(resamples, max(MOST_TRIALS_DRAWN // len(units), FEWEST_RESAMPLES))
    intervals = []
    for point_of in (ranked.equal_error, lambda weights: ranked.least_cost(weights, p_target)):
        statistic = partial(_statistic, ranked=ranked, units=units, point_of=point_of)
        found = studentised(statistic, count, seed, resamples)
        intervals.append(_interval(found, ranked, point_of(even)))
    equal, least = ranked.equal_error(even), ranked.least_cost(even, p_target)
    return VerificationScore(
        eer=equal.rate,
        eer_ci95=intervals[0],
        eer_threshold=ranked.threshold(equal),
        min_dcf=least.rate,
        min_dcf_ci95=intervals[1],
        min_dcf_threshold=ranked.threshold(least),
        p_target=p_target,
        targets=int(ranked.targets.sum()),
        nontargets=int((~ranked.targets).sum()),
        interval_over=over,
        interval_units=count,
    )


def units_of_trials(names: Sequence[tuple[str, str]], speakers: Mapping[str, str] | None) -> tuple[np.ndarray, str]:
    """For every trial the indices (K, 2) of the units that are resampled with it, and what these units are."""
    known = speakers is not None and all(name in speakers for pair in names for name in pair)
    if known and speakers is not None:
        labels, over = [speakers[name] for pair in names for name in pair], "speakers"
    if not known or len(set(labels)) < MIN_SPEAKERS:
        labels, over = [name for pair in names for name in pair], "files"
    _, index = np.unique(labels, return_inverse=True)
    return index.reshape(-1, 2), over


def _statistic(
    drawn: np.ndarray, ranked: RankedTrials, units: np.ndarray, point_of: Callable[[np.ndarray], OperatingPoint]
) -> tuple[np.ndarray, np.ndarray]:
    """drawn (R, N): how often each unit -> (R,) rates, their standard errors.

    A trial of two units counts as often as the product of both, a trial within one unit as often as that is drawn.
    The standard error is by linearisation at the threshold of the draw; a constant factor of it would cancel.
    """
    first, second = units.T
    two = first != second
    rates, errors = np.zeros(len(drawn)), np.zeros(len(drawn))
    for row, times in enumerate(drawn):
        weights = np.where(two, times[first] * times[second], times[first])
        point = point_of(weights)
        rates[row] = point.rate
        if np.isnan(point.rate):
            continue
        pull = _pull_of_trials(weights, ranked.targets, point)
        of_units = np.bincount(first, np.where(two, pull * times[second], pull), len(times))
        of_units += np.bincount(second[two], (pull * times[first])[two], len(times))
        errors[row] = np.sqrt((times * of_units**2).sum() * len(times) / max(len(times) - 1, 1))
    return rates, errors


def _pull_of_trials(weights: np.ndarray, targets: np.ndarray, point: OperatingPoint) -> np.ndarray:
    """(K,): by how much one more of each trial moves the rate, the threshold staying where it is."""
    accepted = np.arange(len(weights)) < point.accepted
    wrong = np.where(targets, ~accepted, accepted).astype(float)
    pull = np.zeros(len(weights))
    for kind, weight in ((targets, point.weight_of_misses), (~targets, point.weight_of_false_alarms)):
        total = weights[kind].sum()
        pull[kind] = weight * (wrong[kind] - (wrong[kind] * weights[kind]).sum() / total) / total
    return pull


def _interval(found: Resampled, ranked: RankedTrials, point: OperatingPoint) -> tuple[float, float]:
    """95 % interval; without an error, up to where so many trials without one have a chance of 5 %."""
    if found.rate == 0:
        kinds = ((ranked.targets, point.weight_of_misses), (~ranked.targets, point.weight_of_false_alarms))
        return 0.0, min(1.0, max(weight * (1 - NONE_FOUND ** (1 / kind.sum())) for kind, weight in kinds))
    low, high = found.interval(len(ranked.targets))
    return low, min(high, 1.0)


def threshold_for(nontargets: np.ndarray, false_alarm: float) -> float | None:
    """The score above which a nontarget trial lies with a chance of at most `false_alarm`; None where too few tell.

    nontargets: (K,) scores. With k = ⌊rate · (K + 1)⌋ it is the k-th highest, which holds for a new score from any
    distribution (split conformal prediction, Vovk, Gammerman & Shafer 2005).
    """
    allowed = floor(false_alarm * (len(nontargets) + 1) + 1e-9)
    if allowed < 1:
        return None
    return float(np.sort(nontargets)[::-1][min(allowed, len(nontargets)) - 1])
