"""EER and minDCF: by hand, beside sklearn, with intervals that hold, and what cannot be scored."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from asr.errors import UserError
from asr.evaluation.verification import RankedTrials, score_trials, threshold_for, units_of_trials

T, N = True, False


def score(scores, targets, speakers=None, names=None, **others):
    names = names or [(f"a{i}", f"b{i}") for i in range(len(scores))]
    return score_trials(np.array(scores, dtype=float), np.array(targets), names, speakers, **others)


def test_counted_by_hand():
    """Accepting the top two misses 1 of 3 and raises 1 of 3; refusing all but the top one costs 2/3 in minDCF."""
    found = score([0.9, 0.7, 0.6, 0.5, 0.3, 0.1], [T, N, T, N, T, N])
    # accepted: misses, false alarms = 0: 1, 0; 1: 2/3, 0; 2: 2/3, 1/3; 3: 1/3, 1/3; …
    assert found.eer == pytest.approx(1 / 3)
    assert found.eer_threshold == 0.6
    assert found.min_dcf == pytest.approx(2 / 3)  # 0.01 · 2/3 over 0.01
    assert found.min_dcf_threshold == 0.9
    assert (found.targets, found.nontargets) == (3, 3)


def test_between_two_thresholds_the_line_is_taken():
    """Misses 1/2 and no false alarm, then no miss and all false alarms (of one): the line crosses at 1/3."""
    found = score([3, 2, 2], [T, T, N])
    assert found.eer == pytest.approx(1 / 3)


def test_the_least_cost_may_be_to_accept_nothing():
    found = score([3, 2, 1], [N, T, N])
    assert (found.min_dcf, found.min_dcf_threshold) == (pytest.approx(1.0), None)


def test_told_apart_without_an_error_is_not_taken_for_certain():
    found = score([0.9] * 20 + [0.1] * 30, [T] * 20 + [N] * 30)
    assert (found.eer, found.min_dcf) == (0, 0)
    assert found.eer_ci95[1] == pytest.approx((1 - 0.05 ** (1 / 20)) / 2)
    assert found.min_dcf_ci95 == (0, 1)  # thirty nontargets say nothing of a cost of 99 for each false alarm


@pytest.mark.parametrize("decimals", [1, 8])  # with many equal scores, and with none
def test_as_sklearn_has_it(decimals):
    random = np.random.default_rng(3)
    targets = random.random(3000) < 0.3
    scores = np.round(random.normal(targets * 1.5, 1.0), decimals)
    fpr, tpr, _ = roc_curve(targets, scores, drop_intermediate=False)
    after = np.argmax(fpr >= 1 - tpr)
    below, above = (fpr + tpr - 1)[after - 1 : after + 1]
    eer = fpr[after - 1] + -below / (above - below) * (fpr[after] - fpr[after - 1])
    ranked, even = RankedTrials(scores, targets), np.ones(3000)
    assert ranked.equal_error(even).rate == pytest.approx(eer, abs=1e-12)
    for p in (0.01, 0.5):
        cost = np.min(p * (1 - tpr) + (1 - p) * fpr) / min(p, 1 - p)
        assert ranked.least_cost(even, p).rate == pytest.approx(cost, abs=1e-12)


def test_a_weight_of_two_is_the_trial_twice():
    random = np.random.default_rng(0)
    targets, weights = random.random(200) < 0.4, random.integers(0, 3, 200)
    scores = random.normal(targets * 1.0, 1.0)
    ranked = RankedTrials(scores, targets)
    twice = RankedTrials(np.repeat(scores, weights), np.repeat(targets, weights))
    for one, other in ((ranked.equal_error, twice.equal_error), (ranked.least_cost, twice.least_cost)):
        weighted = one(weights[ranked.order].astype(float))
        assert weighted.rate == pytest.approx(other(np.ones(weights.sum())).rate)


def trials_of(random, speakers: int):
    """Every pair of three recordings of each speaker, whose voices lie on a line; speakers differ in how steady."""
    where = random.normal(0, 2, speakers)
    spread = random.uniform(0.3, 1.2, speakers)
    said = {(s, r): where[s] + spread[s] * random.normal() for s in range(speakers) for r in range(3)}
    pairs = [(a, b) for i, a in enumerate(said) for b in list(said)[i + 1 :]]
    scores = np.array([-abs(said[a] - said[b]) for a, b in pairs])
    targets = np.array([a[0] == b[0] for a, b in pairs])
    names = [(f"{a[0]}/{a[1]}", f"{b[0]}/{b[1]}") for a, b in pairs]
    return scores, targets, names, {name: name.split("/")[0] for pair in names for name in pair}


def test_intervals_over_speakers_hold_the_truth():
    random = np.random.default_rng(1)
    scores, targets, *_ = trials_of(random, 400)
    truth = RankedTrials(scores, targets).equal_error(np.ones(len(scores))).rate
    held = 0
    for seed in range(25):
        scores, targets, names, speakers = trials_of(random, 15)
        found = score_trials(scores, targets, names, speakers, seed, resamples=120)
        assert (found.interval_over, found.interval_units) == ("speakers", 15)
        held += found.eer_ci95[0] <= truth <= found.eer_ci95[1]
    assert held >= 22


def test_the_same_seed_gives_the_same_interval_whatever_the_order():
    scores, targets, names, speakers = trials_of(np.random.default_rng(2), 8)
    first = score_trials(scores, targets, names, speakers, resamples=100)
    turned = score_trials(scores[::-1], targets[::-1], names[::-1], speakers, resamples=100)
    assert first == turned


def test_without_speakers_files_are_drawn():
    names = [("a", "b"), ("a", "c"), ("b", "c")]
    assert units_of_trials(names, None)[1] == "files"
    assert units_of_trials(names, {"a": "x", "b": "x"})[1] == "files"  # of c nothing is known
    assert units_of_trials(names, {"a": "x", "b": "x", "c": "y"})[1] == "files"  # two are too few
    units, over = units_of_trials(names, {"a": "x", "b": "z", "c": "y"})
    assert over == "speakers" and units.tolist() == [[0, 2], [0, 1], [2, 1]]


@pytest.mark.parametrize(
    ("scores", "targets", "message"),
    [
        ([0.1, np.nan], [T, N], "the score of trial 2 is nan"),
        ([np.inf, 0.3], [T, N], "the score of trial 1 is inf"),
        ([0.1, 0.2], [T, T], "none of 2 trials is a nontarget"),
        ([0.1, 0.2], [N, N], "none of 2 trials is a target"),
    ],
)
def test_what_cannot_be_scored_is_said(scores, targets, message):
    with pytest.raises(UserError, match=message):
        score(scores, targets)


def test_the_threshold_keeps_its_promise_for_new_scores():
    """The k-th highest of 99, for k = 1: a new score lies above it in one of a hundred."""
    assert threshold_for(np.arange(99.0), 0.01) == 98
    assert threshold_for(np.arange(99.0), 0.05) == 94
    assert threshold_for(np.arange(98.0), 0.01) is None
    random = np.random.default_rng(0)
    above = [random.normal() > threshold_for(random.normal(size=99), 0.05) for _ in range(4000)]
    assert 0.04 < np.mean(above) < 0.06
