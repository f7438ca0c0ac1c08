import numpy as np
import pytest

from asr.errors import UserError
from asr.evaluation.bootstrap import utterances_for_power
from asr.tasks.transcribe.scoring.confusions import align_words
from asr.tasks.transcribe.scoring.significance import compare, mapsswe, segments

REFERENCE = "it was the best of times it was the worst of times it was"
OURS = "its the best of times it is the worst of times or it was"
THEIRS = "it was the best times it won the test of times it was"


def pairs(reference: str, ours: str, theirs: str) -> list[tuple[int, int]]:
    (one,), (other,) = align_words([reference], [ours]), align_words([reference], [theirs])
    return list(segments(one, other))


def test_matched_pairs_worked_by_hand():
    """Errors in "it was", "of", "was the worst" and before the last "it was": differences 2, -1, -1, 1."""
    found = pairs(REFERENCE, OURS, THEIRS)
    assert found == [(2, 0), (0, 1), (1, 2), (1, 0)]
    # Mean 1/4, variance (1.75² + 2 × 1.25² + 0.75²) / 3 = 2.25, so z = 0.25 / (1.5 / √4) = 1/3.
    test = mapsswe(found)
    assert (test.segments, test.mean_difference) == (4, 0.25)
    assert test.z == pytest.approx(1 / 3)
    assert test.p == pytest.approx(0.7389, abs=1e-4)


@pytest.mark.parametrize(
    ("reference", "ours", "theirs", "expected"),
    [
        ("a b c d", "a b c d", "a b c d", []),
        ("a b c d", "x b c y", "a b c d", [(1, 0), (1, 0)]),  # two words right set apart
        ("a b c", "x b y", "a b c", [(2, 0)]),  # one does not
        ("a b c d", "x b c d", "a b c y", [(1, 0), (0, 1)]),
        ("a b c d", "x b c d", "a y c d", [(1, 1)]),
        ("a b", "u a b v", "a b", [(1, 0), (1, 0)]),
        ("a", "u a v", "a", [(2, 0)]),
        ("", "u v", "u", [(2, 1)]),
        ("a b", "", "a b", [(2, 0)]),
    ],
)
def test_segments(reference, ours, theirs, expected):
    assert pairs(reference, ours, theirs) == expected


def test_segments_hold_every_error_once():
    random = np.random.default_rng(0)
    for _ in range(200):
        texts = [" ".join(random.choice(list("abc"), random.integers(0, 9))) for _ in range(3)]
        one, other = (align_words([texts[0]], [text])[0] for text in texts[1:])
        total = tuple(sum(spoken != heard for spoken, heard in each) for each in (one, other))
        assert tuple(np.sum(list(segments(one, other)) or [(0, 0)], axis=0)) == total


def spoken(random, speakers: int, better: float, spread: float = 0.15) -> tuple[list[str], list[str], list[str], list]:
    """Ten utterances of eight words a speaker, heard by two recognisers who err alike on two words of three.

    Speakers differ, by `spread` also in which recogniser suits them; the first is better by `better` on average.
    """
    rates = random.beta(3, 7, speakers)
    suits = spread * random.uniform(-1, 1, speakers)
    shape = (speakers, 10, 8)
    shared = random.random(shape) < 2 / 3
    common, *own = random.random((3, *shape))
    draws = [np.where(shared, common, each) for each in own]
    wrong = [draws[0] < (rates - suits / 2 - better)[:, None, None], draws[1] < (rates + suits / 2)[:, None, None]]
    heard = [[" ".join("x" if w else "a" for w in row) for row in each.reshape(-1, 8)] for each in wrong]
    return ["a a a a a a a a"] * len(heard[0]), *heard, np.repeat([f"s{i}" for i in range(speakers)], 10).tolist()


def found_better(trials: int, **settings) -> tuple[float, float, float]:
    """Shares of trials in which the bootstrap, MAPSSWE find a difference; in which the interval holds the true one."""
    random = np.random.default_rng(1)
    results = [compare(*spoken(random, 20, **settings), seed=i) for i in range(trials)]
    covered = [r.difference_ci95[0] <= -settings["better"] <= r.difference_ci95[1] for r in results]
    return (
        float(np.mean([r.bootstrap_p < 0.05 for r in results])),
        float(np.mean([r.mapsswe.p < 0.05 for r in results])),
        float(np.mean(covered)),
    )


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr("asr.evaluation.paired.RESAMPLES", 1000)


def test_equal_recognisers_are_told_apart_in_five_percent():
    bootstrap, matched, covered = found_better(400, better=0.0, spread=0.0)
    assert 0.025 <= bootstrap <= 0.08
    assert 0.025 <= matched <= 0.08
    assert 0.93 <= covered <= 0.975


def test_where_speakers_suit_one_or_the_other_only_the_bootstrap_holds_its_level():
    bootstrap, matched, covered = found_better(300, better=0.0, spread=0.15)
    assert bootstrap <= 0.08
    assert matched > 0.15  # its segments are not independent: the documentation says so
    assert covered >= 0.925


def test_a_better_recogniser_is_found_as_often_as_foretold():
    bootstrap, matched, covered = found_better(200, better=0.03, spread=0.0)
    assert 0.7 <= bootstrap <= matched <= 1
    assert covered >= 0.91
    foretold = compare(*spoken(np.random.default_rng(2), 2000, better=0.03, spread=0.0)).utterances_for_power_80
    assert 120 <= foretold <= 220  # the trials have 200, and find it in somewhat more than 80 %


def test_power_by_hand():
    # Ten times the difference takes a hundredth; (1.960 + 0.842)² = 7.849.
    assert utterances_for_power(0.1, 0.1, 1000) == 7849
    assert utterances_for_power(-1.0, 0.1, 1000) == 79
    assert utterances_for_power(0.0, 0.1, 1000) is None


def test_the_same_hypotheses_do_not_differ():
    same = compare(["a b", "c d"], ["a x", "c d"], ["a x", "c d"])
    assert (same.difference, same.difference_ci95, same.bootstrap_p, same.mapsswe.p) == (0, (0, 0), 1, 1)
    assert same.utterances_for_power_80 is None


def test_exchanging_both_exchanges_the_sign():
    material = spoken(np.random.default_rng(3), 12, better=0.1)
    one = compare(*material)
    other = compare(material[0], material[2], material[1], material[3])
    assert (one.wer, one.difference, one.mapsswe.z) == (other.wer_against, -other.difference, -other.mapsswe.z)
    assert (one.bootstrap_p, one.mapsswe.p) == pytest.approx((other.bootstrap_p, other.mapsswe.p))
    assert one.difference_ci95 == pytest.approx([-bound for bound in reversed(other.difference_ci95)])
    assert (one.bootstrap_over, one.bootstrap_units) == ("speakers", 12)


@pytest.mark.parametrize("references", [["a"], [], ["", ""]])
def test_too_little_to_compare(references):
    with pytest.raises(UserError, match=r"too little|no word"):
        compare(references, references, references)
