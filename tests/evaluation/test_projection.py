"""Embeddings in two dimensions."""

import numpy as np
import pytest

from asr.evaluation.projection import project


def groups(count: int, each: int, dimensions: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of well separated groups, and the group of each."""
    random = np.random.default_rng(0)
    centres = 8 * random.normal(size=(count, dimensions))
    whose = np.repeat(np.arange(count), each)
    return centres[whose] + random.normal(size=(len(whose), dimensions)), whose


def test_few_are_seen_by_their_principal_components():
    """A line through many dimensions, stretched alike in each, lies on one axis in its order."""
    along = np.linspace(-1, 1, 20)
    found = project(along[:, None] * np.arange(1, 6), 0)
    assert found.method == "PCA"
    assert np.abs(found.points[:, 0]) == pytest.approx(np.abs(along))
    assert found.points[:, 1] == pytest.approx(0, abs=1e-9)


def test_t_sne_keeps_groups_together_and_is_the_same_for_one_seed():
    vectors, whose = groups(4, 20)
    found = project(vectors, 3)
    assert found.method == "t-SNE" and np.abs(found.points).max() == pytest.approx(1)
    apart = np.linalg.norm(found.points[:, None] - found.points, axis=-1) + 9 * np.eye(len(whose))
    assert (whose[apart.argmin(1)] == whose).all()
    np.testing.assert_array_equal(project(vectors, 3).points, found.points)


def test_very_many_are_seen_by_pca(monkeypatch):
    monkeypatch.setattr("asr.evaluation.projection.MOST", 60)
    assert project(groups(4, 20)[0], 0).method == "PCA"


@pytest.mark.parametrize("vectors", [np.ones((2, 3)), np.ones((9, 3)), np.full((9, 3), np.nan)])
def test_there_may_be_nothing_to_see(vectors):
    assert project(vectors, 0) is None


def test_one_dimension_is_a_line():
    found = project(np.arange(60.0)[:, None], 0)
    assert found.method == "PCA" and found.points.shape == (60, 2) and not found.points[:, 1].any()
