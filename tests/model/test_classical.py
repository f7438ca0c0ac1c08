"""What is kept of a classical model computes what scikit-learn and XGBoost compute with theirs."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression as Regression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from asr.model.classical.gmm import VARIANCE_FLOOR, GaussianMixtures
from asr.model.classical.knn import NearestNeighbours
from asr.model.classical.logistic_regression import LogisticRegression
from asr.model.classical.svm import SVM
from asr.model.classical.trees import RandomForest, XGBoost

LABELS, DIM, SEED = 3, 6, 1


def clouds(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, DIM) vectors of LABELS overlapping clouds, and the labels (N,); the first label is the most frequent."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(LABELS), np.minimum(rng.integers(0, 5, count - LABELS), LABELS - 1)])
    centres = np.random.default_rng(0).normal(0, 1.5, (LABELS, DIM))
    return (centres[labels] + rng.normal(0, 1, (count, DIM))).astype(np.float32), labels


TRAIN, TRAIN_LABELS = clouds(150, 1)
TEST, _ = clouds(60, 2)


def fitted(model, balanced: bool = False):
    model.fit(TRAIN, TRAIN_LABELS, balanced, SEED)
    return model


def probabilities(model) -> np.ndarray:
    return model(torch.from_numpy(TEST)).softmax(-1).numpy()


@pytest.mark.parametrize("balanced", [False, True])
def test_logistic_regression(balanced):
    theirs = Regression(C=0.5, max_iter=5000, class_weight="balanced" if balanced else None).fit(TRAIN, TRAIN_LABELS)
    ours = fitted(LogisticRegression(0.5), balanced)
    np.testing.assert_allclose(probabilities(ours), theirs.predict_proba(TEST), atol=2e-3 if balanced else 1e-4)


def test_logistic_regression_of_two_labels():
    two = TRAIN_LABELS < 2
    model = LogisticRegression(0.5)
    model.fit(TRAIN[two], TRAIN_LABELS[two], False, SEED)
    theirs = Regression(C=0.5, max_iter=5000).fit(TRAIN[two], TRAIN_LABELS[two])
    np.testing.assert_allclose(probabilities(model), theirs.predict_proba(TEST), atol=1e-4)


@pytest.mark.parametrize("balanced", [False, True])
def test_random_forest(balanced):
    theirs = RandomForestClassifier(20, class_weight="balanced" if balanced else None, random_state=SEED)
    wanted = theirs.fit(TRAIN, TRAIN_LABELS).predict_proba(TEST)
    np.testing.assert_allclose(probabilities(fitted(RandomForest(20, 1), balanced)), wanted, atol=1e-3)


def test_xgboost():
    xgboost = pytest.importorskip("xgboost", reason="the extra `classic` is not installed")
    settings = {"objective": "multi:softprob", "num_class": LABELS, "max_depth": 3, "eta": 0.3, "seed": SEED}
    theirs = xgboost.train(settings | {"tree_method": "hist"}, xgboost.DMatrix(TRAIN, TRAIN_LABELS), 25)
    ours = fitted(XGBoost(25, 3, 0.3))
    np.testing.assert_allclose(probabilities(ours), theirs.predict(xgboost.DMatrix(TEST)), atol=1e-5)
    on_thresholds = torch.from_numpy(TRAIN)  # thresholds lie on training values or between them
    wanted = theirs.predict(xgboost.DMatrix(TRAIN))
    np.testing.assert_allclose(ours(on_thresholds).softmax(-1).numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("neighbours", [1, 5, 1000])
def test_nearest_neighbours(neighbours):
    theirs = KNeighborsClassifier(min(neighbours, len(TRAIN))).fit(TRAIN, TRAIN_LABELS)
    ours = fitted(NearestNeighbours(neighbours))
    voted = theirs.predict_proba(TEST)
    clear = np.sort(voted)[:, -1] > np.sort(voted)[:, -2]  # of even votes either label is right
    np.testing.assert_array_equal(probabilities(ours)[clear].argmax(1), voted[clear].argmax(1))
    count = min(neighbours, len(TRAIN))
    np.testing.assert_allclose(probabilities(ours), (voted * count + 0.5 / LABELS) / (count + 0.5), atol=1e-5)


@pytest.mark.parametrize("balanced", [False, True])
def test_svm(balanced):
    weighting = "balanced" if balanced else None
    ours = fitted(SVM(2.0, None), balanced)(torch.from_numpy(TEST)).numpy()
    for label in range(LABELS):
        theirs = SVC(C=2.0, gamma=1 / DIM, class_weight=weighting).fit(TRAIN, label == TRAIN_LABELS)
        np.testing.assert_allclose(ours[:, label], theirs.decision_function(TEST), atol=1e-3)


def test_mixtures_take_the_mean_log_likelihood_of_the_valid_frames():
    ours = fitted(GaussianMixtures(2, 10_000))
    frames = torch.from_numpy(TEST).view(6, 10, DIM)
    lengths = torch.tensor([10, 1, 7, 10, 3, 5])
    spoiled = frames.clone()
    for row, length in enumerate(lengths.tolist()):
        spoiled[row, length:] = 1e6
    found = ours(spoiled, lengths).numpy()
    for label in range(LABELS):
        own = TRAIN[label == TRAIN_LABELS].astype(np.float64)
        theirs = GaussianMixture(2, covariance_type="diag", reg_covar=VARIANCE_FLOOR, random_state=SEED).fit(own)
        wanted = [theirs.score(frames[row, :length].numpy()) for row, length in enumerate(lengths.tolist())]
        np.testing.assert_allclose(found[:, label], wanted, rtol=1e-5)


def test_a_mixture_has_no_more_components_than_its_frames_allow():
    labels = np.array([0] * 30 + [1])
    model = GaussianMixtures(4, 20)
    model.fit(TRAIN[:31], labels, False, SEED)
    outputs = model(torch.from_numpy(TEST).unsqueeze(1), torch.ones(len(TEST), dtype=torch.long))
    assert torch.isfinite(outputs).all()


MODELS = {
    "logistic_regression": lambda: LogisticRegression(0.5),
    "random_forest": lambda: RandomForest(10, 2),
    "xgboost": lambda: XGBoost(5, 2, 0.3),
    "nearest_neighbours": lambda: NearestNeighbours(3),
    "svm": lambda: SVM(1.0, 0.2),
}


@pytest.mark.parametrize("name", MODELS)
def test_what_is_kept_are_arrays_that_give_the_same_again(name):
    if name == "xgboost":
        pytest.importorskip("xgboost", reason="the extra `classic` is not installed")
    model = fitted(MODELS[name](), balanced=True)
    again = MODELS[name]()
    again.load_state_dict(model.state_dict())
    vectors = torch.from_numpy(TEST)
    assert torch.equal(again(vectors), model(vectors))
    one_by_one = torch.cat([model(row.unsqueeze(0)) for row in vectors])
    torch.testing.assert_close(one_by_one, model(vectors), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_model(name):
    if name == "xgboost":
        pytest.importorskip("xgboost", reason="the extra `classic` is not installed")
    first, second = fitted(MODELS[name]()).state_dict(), fitted(MODELS[name]()).state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
