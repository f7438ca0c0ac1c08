"""CTC: the loss is torch's on what can be aligned, and exact about what cannot."""

import itertools

import pytest
import torch

from asr.tasks.transcribe.ctc.head import CTCHead
from asr.tasks.transcribe.ctc.loss import CTCLoss, required_frames
from asr.tasks.transcribe.decode.greedy import GreedyDecoder


def collapse(path):
    return [token for token, _ in itertools.groupby(path) if token]


@pytest.mark.parametrize("tokens", [[1], [1, 2], [1, 1], [1, 1, 1], [2, 1, 1, 2], [1, 2, 2]])
def test_required_frames_is_the_shortest_path_there_is(tokens):
    shortest = next(
        length
        for length in range(1, 8)
        if any(collapse(path) == tokens for path in itertools.product(range(3), repeat=length))
    )
    padded = torch.tensor([tokens + [0] * (5 - len(tokens))])
    assert required_frames(padded, torch.tensor([len(tokens)])).tolist() == [shortest]


def test_loss_is_the_sum_over_all_paths():
    torch.manual_seed(0)
    log_probs = torch.randn(1, 4, 3).log_softmax(-1)
    paths = [path for path in itertools.product(range(3), repeat=4) if collapse(path) == [1, 2]]
    total = torch.stack([sum(log_probs[0, t, token] for t, token in enumerate(path)) for path in paths])
    loss, left_out = CTCLoss()(log_probs, torch.tensor([4]), torch.tensor([[1, 2]]), torch.tensor([2]))
    assert float(loss) == pytest.approx(-float(total.logsumexp(0)) / 2, rel=1e-4)
    assert not left_out.any()


def test_what_cannot_be_aligned_is_left_out_and_the_rest_is_as_without_it():
    torch.manual_seed(0)
    log_probs = torch.randn(2, 6, 4).log_softmax(-1).requires_grad_()
    tokens = torch.tensor([[1, 2, 3], [1, 1, 1]])
    counts = torch.tensor([3, 3])
    loss, left_out = CTCLoss()(log_probs, torch.tensor([6, 4]), tokens, counts)
    alone, _ = CTCLoss()(log_probs[:1], torch.tensor([6]), tokens[:1], counts[:1])
    assert left_out.tolist() == [False, True]
    torch.testing.assert_close(loss, alone)
    loss.backward()
    assert torch.isfinite(log_probs.grad).all()
    assert (log_probs.grad[1] == 0).all()


def test_the_boundary_is_exact():
    """Five frames align 'aaa' in one way alone; four do not."""
    log_probs = torch.zeros(2, 5, 2).log_softmax(-1)
    tokens = torch.ones(2, 3, dtype=torch.long)
    loss, left_out = CTCLoss()(log_probs, torch.tensor([5, 4]), tokens, torch.tensor([3, 3]))
    assert left_out.tolist() == [False, True]
    assert float(loss) == pytest.approx(5 * float(torch.log(torch.tensor(2.0))) / 3)


def test_nothing_alignable_gives_zero_with_a_gradient():
    log_probs = torch.randn(1, 2, 3).log_softmax(-1).requires_grad_()
    loss, left_out = CTCLoss()(log_probs, torch.tensor([2]), torch.tensor([[1, 1, 1]]), torch.tensor([3]))
    loss.backward()
    assert float(loss) == 0
    assert left_out.all()
    assert (log_probs.grad == 0).all()


def test_head_gives_log_probabilities_in_32_bits():
    with torch.autocast("cpu", torch.bfloat16):
        log_probs = CTCHead(8, 5)(torch.randn(2, 3, 8))
    assert log_probs.dtype == torch.float32
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(2, 3))


def test_greedy_merges_repeats_drops_blanks_and_tells_the_frames():
    path = torch.tensor([[0, 1, 1, 0, 1, 2, 2, 0], [3, 3, 0, 0, 0, 1, 1, 1]])
    log_probs = torch.nn.functional.one_hot(path, 4).mul(0.7).add(0.075).log()
    first, second = GreedyDecoder()(log_probs, torch.tensor([8, 4]))
    assert first.tokens == [1, 1, 2]
    assert first.starts == [1, 4, 5]
    assert first.ends == [3, 5, 7]
    assert first.confidences == pytest.approx([0.775] * 3)
    assert second.tokens == [3]
    assert second.ends == [2]


def test_greedy_of_blanks_alone_is_empty():
    log_probs = torch.tensor([[[0.0, -9.0]] * 4])
    assert GreedyDecoder()(log_probs, torch.tensor([4]))[0].tokens == []
