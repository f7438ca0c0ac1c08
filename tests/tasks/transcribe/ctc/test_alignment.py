"""The aligned path is the likeliest of all that spell the transcript."""

from itertools import product

import pytest
import torch

from asr.errors import UserError
from asr.tasks.transcribe.ctc.alignment import align, align_batch, align_long


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


def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A batch of different lengths whose padding, of frames and of tokens, is garbage."""
    chance = torch.Generator().manual_seed(seed)
    log_probs = torch.randn(8, 40, 5, generator=chance).mul(2).log_softmax(-1)
    counts = torch.randint(0, 12, (8,), generator=chance)
    lengths = (2 * counts + torch.randint(0, 20, (8,), generator=chance)).clamp(1, 40)
    tokens = torch.randint(1, 5, (8, 12), generator=chance)
    for row in range(8):
        log_probs[row, lengths[row] :] = torch.nan
    return log_probs, lengths, tokens, counts


@pytest.mark.parametrize("seed", range(10))
def test_in_a_batch_as_alone(seed):
    log_probs, lengths, tokens, counts = drawn(seed)
    found = align_batch(log_probs, lengths, tokens, counts)
    for row in range(8):
        assert found[row] == align(log_probs[row, : lengths[row]], tokens[row, : counts[row]].tolist())
        assert not found.ends[row, counts[row] :].any()


@pytest.mark.parametrize("seed", range(10))
def test_the_same_path_as_torchaudio_finds(seed):
    forced_align = pytest.importorskip("torchaudio.functional").forced_align
    log_probs, lengths, tokens, counts = drawn(seed)
    for row in (row for row in range(8) if counts[row]):
        alone, spoken = log_probs[row, None, : lengths[row]], tokens[row, None, : counts[row]]
        path, scores = forced_align(alone, spoken)
        found = align(alone[0], spoken[0].tolist())
        spelled = torch.zeros(int(lengths[row]), dtype=torch.long)
        for token, start, end in zip(spoken[0], found.starts, found.ends, strict=True):
            spelled[start:end] = token
        assert spelled.tolist() == path[0].tolist()
        assert found.log_prob == pytest.approx(float(scores.sum()), abs=1e-4)


def test_one_that_does_not_fit_leaves_the_others_alone():
    log_probs = torch.tensor([[0.1, 0.9], [0.1, 0.9], [0.1, 0.9]]).log().expand(2, -1, -1)
    found = align_batch(log_probs, torch.tensor([2, 3]), torch.tensor([[1, 1], [1, 1]]), torch.tensor([2, 2]))
    assert found.log_probs[0] == -torch.inf
    assert not found.ends[0].any()
    assert found.starts[1].tolist() == [0, 2]


@pytest.mark.parametrize("band", [256, 4096])  # the latter is wider than the transcript
@pytest.mark.parametrize("seed", range(5))
def test_a_band_around_the_likeliest_state_holds_the_likeliest_path(seed, band, monkeypatch):
    chance = torch.Generator().manual_seed(seed)
    tokens = torch.randint(1, 8, (600,), generator=chance)
    spoken = torch.zeros(2400, dtype=torch.long)
    spoken[torch.randperm(2400, generator=chance)[:600].sort().values] = tokens
    log_probs = torch.randn(2400, 8, generator=chance).scatter_add(1, spoken[:, None], torch.full((2400, 1), 5.0))
    log_probs = log_probs.log_softmax(-1)
    whole = align(log_probs, tokens.tolist())
    monkeypatch.setattr("asr.tasks.transcribe.ctc.alignment.WHOLE_CELLS", 0)
    monkeypatch.setattr("asr.tasks.transcribe.ctc.alignment.BAND", band)
    found = align_long(log_probs, tokens.tolist())
    assert (found.starts, found.ends) == (whole.starts, whole.ends)
    assert found.log_prob == pytest.approx(whole.log_prob)
    assert found.confidences == pytest.approx(whole.confidences, abs=1e-5)
