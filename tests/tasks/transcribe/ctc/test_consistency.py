"""Consistency regularization: nothing where two views agree, their divergence where not, and never in validation."""

import pytest
import torch

from asr.tasks.transcribe.ctc.consistency import ConsistencyCTCLoss
from asr.tasks.transcribe.ctc.loss import CTCLoss

LENGTHS, TOKENS, COUNTS = torch.tensor([6, 4]), torch.tensor([[1, 2, 3], [1, 2, 0]]), torch.tensor([3, 2])


def random_log_probs(seed: int) -> torch.Tensor:
    return torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(seed)).log_softmax(-1)


def test_views_that_agree_cost_what_ctc_costs():
    log_probs = random_log_probs(0)
    loss, left_out = ConsistencyCTCLoss(0.5)(log_probs.repeat(2, 1, 1), LENGTHS.repeat(2), TOKENS, COUNTS)
    torch.testing.assert_close(loss, CTCLoss()(log_probs, LENGTHS, TOKENS, COUNTS)[0])
    assert left_out.tolist() == [False, False]


def test_views_that_differ_cost_their_divergence():
    one, other = random_log_probs(1), random_log_probs(2)
    both, lengths = torch.cat([one, other]), LENGTHS.repeat(2)
    plain = ConsistencyCTCLoss(0.0)(both, lengths, TOKENS, COUNTS)[0]
    torch.testing.assert_close(
        plain, (CTCLoss()(one, LENGTHS, TOKENS, COUNTS)[0] + CTCLoss()(other, LENGTHS, TOKENS, COUNTS)[0]) / 2
    )
    expected = 0.0
    for row, (length, count) in enumerate(zip(LENGTHS.tolist(), COUNTS.tolist(), strict=True)):
        p, q = one[row, :length], other[row, :length]
        there, back = (p.exp() * (p - q)).sum(), (q.exp() * (q - p)).sum()
        expected += 0.5 * (there + back) / count / len(LENGTHS)
    loss, _ = ConsistencyCTCLoss(0.5)(both, lengths, TOKENS, COUNTS)
    torch.testing.assert_close(loss - plain, 0.5 * expected)


def test_padding_does_not_count():
    one, other = random_log_probs(1), random_log_probs(2)
    loss, _ = ConsistencyCTCLoss(1.0)(torch.cat([one, other]), LENGTHS.repeat(2), TOKENS, COUNTS)
    other[1, 4:] = torch.tensor([0.9, 0.025, 0.025, 0.025, 0.025]).log()
    again, _ = ConsistencyCTCLoss(1.0)(torch.cat([one, other]), LENGTHS.repeat(2), TOKENS, COUNTS)
    torch.testing.assert_close(loss, again)


@pytest.mark.parametrize("lengths", [[6, 1], [1, 1]])
def test_what_cannot_be_aligned_is_left_out_of_both(lengths):
    log_probs = torch.cat([random_log_probs(1), random_log_probs(2)]).requires_grad_()
    loss, left_out = ConsistencyCTCLoss(0.5)(log_probs, torch.tensor(lengths).repeat(2), TOKENS, COUNTS)
    loss.backward()
    assert left_out.tolist() == [length == 1 for length in lengths]
    assert torch.isfinite(loss)
    for row, out in enumerate(left_out.tolist() * 2):
        assert bool((log_probs.grad[row] == 0).all()) is out


def test_validation_has_one_view():
    log_probs = random_log_probs(3)
    loss, _ = ConsistencyCTCLoss(0.5).eval()(log_probs, LENGTHS, TOKENS, COUNTS)
    torch.testing.assert_close(loss, CTCLoss()(log_probs, LENGTHS, TOKENS, COUNTS)[0])
