"""The aligned path is the likeliest of all that spell the transcript."""

from itertools import product

import pytest
import torch

from asr.ctc.alignment import align
from asr.errors import UserError


def collapsed(path: tuple[int, ...]) -> list[int]:
    merged = [token for index, token in enumerate(path) if index == 0 or token != path[index - 1]]
    return [token for token in merged if token]


@pytest.mark.parametrize("seed", range(60))
def test_no_other_path_is_likelier(seed):
    chance = torch.Generator().manual_seed(seed)
    frames, vocabulary = 6, 3
    tokens = torch.randint(1, vocabulary, (1 + seed % 3,), generator=chance).tolist()
    log_probs = torch.randn(frames, vocabulary, generator=chance).mul(2).log_softmax(-1)
    best = max(
        sum(float(log_probs[t, token]) for t, token in enumerate(path))
        for path in product(range(vocabulary), repeat=frames)
        if collapsed(path) == tokens
    )
    found = align(log_probs, tokens)
    assert found.log_prob == pytest.approx(best, abs=1e-5)
    spelled = [0] * frames
    for token, start, end in zip(tokens, found.starts, found.ends, strict=True):
        assert end > start
        spelled[start:end] = [token] * (end - start)
    assert collapsed(tuple(spelled)) == tokens
    assert sum(float(log_probs[t, token]) for t, token in enumerate(spelled)) == pytest.approx(best, abs=1e-5)


def test_equal_neighbours_keep_a_blank_between_them():
    log_probs = torch.tensor([[0.1, 0.9], [0.1, 0.9], [0.1, 0.9]]).log()
    found = align(log_probs, [1, 1])
    assert (found.starts, found.ends) == ([0, 2], [1, 3])
    assert found.confidences == pytest.approx([0.9, 0.9])
    with pytest.raises(UserError, match="needs 3 frames, the recording has 2"):
        align(log_probs[:2], [1, 1])


def test_nothing_to_align():
    assert align(torch.zeros(4, 3).log_softmax(-1), []).starts == []
