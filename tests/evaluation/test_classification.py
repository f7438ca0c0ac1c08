import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score, top_k_accuracy_score

from asr.errors import UserError
from asr.evaluation.class_means import misjudged, missed, resample_class_means
from asr.evaluation.classification import compare_labels, macro_f1, score_labels, unweighted_average_recall

REFERENCES = ["angry", "angry", "angry", "angry", "happy", "happy", "sad"]
PREDICTIONS = ["angry", "angry", "angry", "happy", "happy", "sad", "bored"]


def test_counted_by_hand():
    """Recalls 3/4, 1/2 and 0; precisions 3/3, 1/2 and 0/1; four of seven right; nobody is bored."""
    found = json.loads(json.dumps(score_labels(REFERENCES, PREDICTIONS).as_dict()))
    assert found["uar"] == pytest.approx((3 / 4 + 1 / 2 + 0) / 3)
    assert found["accuracy"] == pytest.approx(4 / 7)
    assert (found["utterances"], found["classes"]) == (7, 3)
    assert (found["interval_over"], found["interval_units"]) == ("utterances", 7)
    assert found["per_class"] == {
        "angry": {"recall": 0.75, "precision": 1.0, "f1": pytest.approx(6 / 7), "utterances": 4},
        "bored": {"recall": None, "precision": 0.0, "f1": 0.0, "utterances": 0},
        "happy": {"recall": 0.5, "precision": 0.5, "f1": 0.5, "utterances": 2},
        "sad": {"recall": 0.0, "precision": 0.0, "f1": 0.0, "utterances": 1},
    }
    assert found["confusion"]["labels"] == ["angry", "bored", "happy", "sad"]
    assert found["confusion"]["counts"] == [[3, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 0]]
    assert found["macro_f1"] == pytest.approx((6 / 7 + 0.0 + 0.5 + 0.0) / 4)
    assert "top5_accuracy" not in found
    for rate in ("uar", "accuracy", "macro_f1"):
        low, high = found[f"{rate}_ci95"]
        assert 0 <= low < found[rate] < high <= 1


def test_a_class_that_is_never_predicted_has_no_precision():
    assert score_labels(["a", "b"], ["a", "a"]).per_class["b"] == {
        "recall": 0.0,
        "precision": None,
        "f1": 0.0,
        "utterances": 1,
    }


def test_the_rare_class_counts_as_much_as_the_frequent_one():
    references = ["often"] * 99 + ["rarely"]
    found = score_labels(references, ["often"] * 100)
    assert (found.uar, found.accuracy) == (pytest.approx(0.5), pytest.approx(0.99))
    assert unweighted_average_recall(references, ["often"] * 100) == pytest.approx(0.5)


def test_without_an_error_the_rarest_class_says_how_sure_that_is():
    """No error in five of the rarest class: its recall is above 55 % with 95 % confidence, and the mean above 85 %."""
    labels = ["a"] * 95 + ["b"] * 50 + ["c"] * 5
    found = score_labels(labels, labels)
    assert (found.uar, found.uar_ci95[1]) == (1.0, 1.0)
    assert found.uar_ci95[0] == pytest.approx(0.05 ** (1 / 15))
    assert found.accuracy_ci95[0] == pytest.approx(0.05 ** (1 / 150))


def said(random, speakers: int, utterances: int = 20, classes: int = 4, mean: float = 0.6):
    """What speakers of different ability, who all show every class, are taken for; a class is harder than the next."""
    ability = random.beta(8 * mean, 8 * (1 - mean), speakers)[:, None] - mean
    shown = random.integers(0, classes, (speakers, utterances))
    right = random.random(shown.shape) < np.clip(mean + 0.05 * (shown - (classes - 1) / 2) + ability, 0, 1)
    names = np.array([f"class {number}" for number in range(classes)])
    references, predictions = names[shown].ravel(), names[np.where(right, shown, (shown + 1) % classes)].ravel()
    return references.tolist(), predictions.tolist(), np.repeat([f"s{i}" for i in range(speakers)], utterances).tolist()


def expected_uar(classes: int = 4, mean: float = 0.6) -> float:
    ability = np.random.default_rng(9).beta(8 * mean, 8 * (1 - mean), 400_000) - mean
    hardness = 0.05 * (np.arange(classes) - (classes - 1) / 2)
    return float(np.mean([np.clip(mean + each + ability, 0, 1).mean() for each in hardness]))


def test_recall_as_scikit_learn_counts_it():
    references, predictions, _ = said(np.random.default_rng(0), 7)
    expected = recall_score(references, predictions, average="macro")
    assert score_labels(references, predictions).uar == pytest.approx(expected)
    assert unweighted_average_recall(references, predictions) == pytest.approx(expected)


def test_macro_f1_as_scikit_learn_counts_it():
    """Also where a label is predicted that nobody said."""
    for references, predictions in [said(np.random.default_rng(0), 7)[:2], (REFERENCES, PREDICTIONS)]:
        expected = f1_score(references, predictions, average="macro")
        assert score_labels(references, predictions).macro_f1 == pytest.approx(expected)
        assert macro_f1(references, predictions) == pytest.approx(expected)


def test_the_standard_error_of_macro_f1_is_that_of_its_draws():
    """Linearised, for the studentised interval; here of utterances drawn within their class."""
    random = np.random.default_rng(4)
    references, predictions, _ = said(random, 20)
    units = np.arange(len(references))
    found = resample_class_means(misjudged(references, predictions, units), references, units, 0, 1)
    places = [np.flatnonzero(np.array(references) == label) for label in sorted(set(references))]
    draws = [np.concatenate([random.choice(each, len(each)) for each in places]) for _ in range(400)]
    rates = [macro_f1([references[i] for i in drawn], [predictions[i] for i in drawn]) for drawn in draws]
    assert found.standard_error == pytest.approx(np.std(rates), rel=0.15)


def test_top_five_as_scikit_learn_counts_it():
    random = np.random.default_rng(5)
    references, scores = random.integers(0, 9, 200), random.normal(size=(200, 9))
    scores[np.arange(200), references] += 1.0
    ranks = [1 + int((row > row[label]).sum()) for row, label in zip(scores, references, strict=True)]
    found = score_labels(list(map(str, references)), list(map(str, scores.argmax(1))), ranks=ranks).as_dict()
    assert found["top5_accuracy"] == pytest.approx(top_k_accuracy_score(references, scores, k=5))
    low, high = found["top5_accuracy_ci95"]
    assert 0 < low < found["top5_accuracy"] < high < 1
    unknown = score_labels(["a", "a", "b"], ["b", "a", "b"], ranks=[None, 1, 6])
    assert unknown.top5_accuracy == pytest.approx(1 / 3)


@pytest.mark.parametrize("speakers", [5, 15])
def test_intervals_hold_the_true_uar(speakers):
    random, truth = np.random.default_rng(speakers), expected_uar()
    found = [score_labels(*said(random, speakers), seed, resamples=400) for seed in range(150)]
    assert all((each.interval_over, each.interval_units) == ("speakers", speakers) for each in found)
    assert 0.9 <= np.mean([each.uar_ci95[0] <= truth <= each.uar_ci95[1] for each in found]) <= 0.99


def test_speakers_who_are_the_classes_are_not_drawn():
    names = [f"s{number % 5}" for number in range(50)]
    wrong = [name if number % 7 else "s0" for number, name in enumerate(names)]
    found = score_labels(names, wrong, names)
    assert (found.interval_over, found.interval_units) == ("utterances", 50)
    one_class_each = [str(number % 5 > 2) for number in range(50)]  # several speakers of each class
    assert score_labels(one_class_each, one_class_each, names).interval_over == "speakers"


def test_a_draw_without_a_class_is_the_mean_of_the_others():
    """Only one of three speakers is ever sad: without her, the mean is that of the other class, not half of it."""
    references, units = ["sad"] * 10 + ["happy"] * 20, np.repeat(np.arange(3), 10)
    predictions = [name if place % 10 < 6 else "bored" for place, name in enumerate(references)]
    found = resample_class_means(missed(references, predictions, units), references, units, 0, 500)
    assert (found.rate, found.units) == (pytest.approx(0.4), 3)
    assert not found.deviations.any()


def test_the_same_labels_do_not_differ():
    references, predictions, groups = said(np.random.default_rng(1), 6)
    same = compare_labels(references, predictions, predictions, groups)
    assert (same.difference, same.ci95, same.p, same.utterances_for_power_80) == (0, (0, 0), 1, None)


def test_a_difference_is_found_where_there_is_one(monkeypatch):
    monkeypatch.setattr("asr.evaluation.paired.RESAMPLES", 600)
    random = np.random.default_rng(2)

    def mended(references: list[str], labels: list[str], share: float) -> list[str]:
        chosen = random.random(len(labels)) < share
        return np.where(chosen, references, labels).tolist()

    found, none = [], []
    for seed in range(100):
        references, labels, groups = said(random, 12)
        found.append(compare_labels(references, mended(references, labels, 0.25), labels, groups, seed))
        alike = [mended(references, labels, 0.15) for _ in range(2)]  # better than one another by chance alone
        none.append(compare_labels(references, *alike, groups, seed))
    assert np.mean([each.p < 0.05 for each in found]) > 0.95
    assert np.mean([each.p < 0.05 for each in none]) <= 0.11
    assert np.mean([each.ci95[0] <= 0 <= each.ci95[1] for each in none]) >= 0.89
    assert all(each.difference == pytest.approx(each.rate - each.rate_against) for each in found)


def test_exchanging_both_exchanges_the_sign():
    random = np.random.default_rng(3)
    references, ours, groups = said(random, 8)
    theirs = said(random, 8)[1]
    one, other = (compare_labels(references, *pair, groups) for pair in ((ours, theirs), (theirs, ours)))
    assert (one.rate, one.rate_against, one.p) == (other.rate_against, other.rate, pytest.approx(other.p))
    assert one.ci95 == pytest.approx([-bound for bound in reversed(other.ci95)])
    assert (one.over, one.units) == ("speakers", 8)


def test_macro_f1_is_compared_as_uar_is():
    random = np.random.default_rng(6)
    references, ours, groups = said(random, 12)
    better = np.where(random.random(len(ours)) < 0.3, references, ours).tolist()
    found = compare_labels(references, better, ours, groups, errors=misjudged)
    assert (found.rate, found.rate_against) == pytest.approx((macro_f1(references, better), macro_f1(references, ours)))
    assert found.difference == pytest.approx(found.rate - found.rate_against) and found.p < 0.05
    low, high = found.ci95
    assert 0 < low < found.difference < high


def test_nothing_to_score():
    with pytest.raises(UserError, match="empty"):
        score_labels([], [])
    with pytest.raises(ValueError, match="same length"):
        score_labels(["a"], ["a", "b"])
    with pytest.raises(UserError, match="too little"):
        compare_labels(["a"], ["a"], ["b"])
