"""Search among many voices, and scores beside a cohort's, as formulas give them."""

import numpy as np
import pytest

from asr.errors import UserError
from asr.voices.cohort import AdaptiveSymmetricNorm, CentredCosine
from asr.voices.index import closest, closest_by_faiss


def directions(count: int, size: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_closest_of_a_hundred_thousand_are_those_of_brute_force():
    voices, queries = directions(100_000, 192, 0), directions(8, 192, 1)
    scores, indices = closest(queries, voices, 10)
    every = queries @ voices.T
    expected = np.argsort(-every, axis=1, kind="stable")[:, :10]
    assert np.array_equal(indices, expected)
    assert np.allclose(scores, np.take_along_axis(every, expected, 1), atol=1e-6)


def test_equal_voices_keep_their_order_and_few_are_all_given():
    voices = np.tile(np.eye(1, 8, dtype=np.float32), (5, 1))  # whose products are exact
    assert closest(voices[:1], voices, 3)[1].tolist() == [[0, 1, 2]]
    assert closest(voices[:1], voices, 9)[1].tolist() == [[0, 1, 2, 3, 4]]


def test_faiss_finds_the_same():
    pytest.importorskip("faiss", reason="faiss is an extra: pip install 'asr-from-scratch[search]'")
    voices, queries = directions(1000, 32, 0), directions(5, 32, 1)
    assert np.array_equal(closest_by_faiss(queries, voices, 7)[1], closest(queries, voices, 7)[1])


def test_the_mean_of_the_cohort_is_taken_off():
    cohort, a, b = directions(50, 8, 0), directions(3, 8, 1), directions(3, 8, 2)
    (found,) = CentredCosine(cohort)(a, b, np.array([1]), np.array([2]))
    x, y = a[1] - cohort.mean(0), b[2] - cohort.mean(0)
    assert found == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y), abs=1e-5)


def test_as_norm_is_the_mean_of_two_z_scores_by_the_closest_of_the_cohort():
    cohort, a, b = directions(50, 8, 0), directions(3, 8, 1), directions(3, 8, 2)
    (found,) = AdaptiveSymmetricNorm(cohort, top=10)(a, b, np.array([0]), np.array([1]))

    def centred(vectors):
        moved = vectors - cohort.mean(0)
        return moved / np.linalg.norm(moved, axis=-1, keepdims=True)

    x, y, others = centred(a[0]), centred(b[1]), centred(cohort)
    z = []
    for one in (x, y):
        highest = np.sort(others @ one)[-10:]
        z.append((x @ y - highest.mean()) / highest.std())
    assert found == pytest.approx(np.mean(z), abs=1e-4)


def test_a_cohort_of_one_voice_is_refused():
    with pytest.raises(UserError, match="at least 2 recordings"):
        AdaptiveSymmetricNorm(directions(1, 8, 0))
    with pytest.raises(UserError, match="not finite or zero"):
        AdaptiveSymmetricNorm(np.tile(directions(1, 8, 0), (4, 1)))
