"""Heads and losses for embeddings: cosines, the margins that the right label has to win by, batches."""

from math import acos, cos

import pytest
import torch

from asr.tasks.classify.head import LabelHead
from asr.tasks.classify.loss import UNKNOWN, AdditiveMargin, AngularMargin, LabelLoss, MarginLoss
from asr.tasks.classify.pooling import HOPS, POOLINGS

SCALE = 30.0


def outputs_and_labels() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return SCALE * torch.empty(4, 3).uniform_(-0.99, 0.99), torch.tensor([0, 2, UNKNOWN, 1])


def test_an_additive_margin_lowers_the_right_cosine_alone():
    outputs, labels = outputs_and_labels()
    harder = AdditiveMargin(0.2, SCALE)(outputs, labels)
    expected = outputs.clone()
    for row, label in enumerate(labels.tolist()):
        if label != UNKNOWN:
            expected[row, label] -= SCALE * 0.2
    torch.testing.assert_close(harder, expected)


def test_an_angular_margin_widens_the_right_angle_alone():
    outputs, labels = outputs_and_labels()
    harder = AngularMargin(0.2, SCALE)(outputs, labels)
    expected = outputs.clone()
    for row, label in enumerate(labels.tolist()):
        if label != UNKNOWN:
            expected[row, label] = SCALE * cos(acos(float(outputs[row, label]) / SCALE) + 0.2)
    torch.testing.assert_close(harder, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("margin", [AdditiveMargin, AngularMargin])
def test_a_margin_never_rewards_and_has_a_gradient_everywhere(margin):
    cosines = torch.linspace(-1, 1, 201).unsqueeze(1).requires_grad_()
    harder = margin(0.2, SCALE)(SCALE * cosines, torch.zeros(201, dtype=torch.long))
    assert (harder < SCALE * cosines).all()
    assert (harder.diff(dim=0) > -1e-3).all(), "a better cosine is never worse"
    harder.sum().backward()
    assert torch.isfinite(cosines.grad).all()


def test_validation_is_without_the_margin():
    outputs, labels = outputs_and_labels()
    frames = torch.full((4,), 5)
    loss = MarginLoss(AdditiveMargin(0.2, SCALE))
    trained, left_out = loss.train()(outputs, frames, labels)
    assert left_out.tolist() == [False, False, True, False]
    assert loss.eval()(outputs, frames, labels)[0] == LabelLoss()(outputs, frames, labels)[0] < trained


@pytest.mark.parametrize("pooling", POOLINGS)
def test_batched_equals_single(pooling):
    torch.manual_seed(1)
    head = LabelHead(16, 5, pooling, embedding=8, scale=SCALE).eval()
    hidden, lengths = torch.randn(3, 9, 16), torch.tensor([9, 4, 1])
    hidden[1, 4:], hidden[2, 1:] = torch.nan, torch.inf
    together = head.embed(hidden, lengths)
    assert together.shape == (3, 8)
    for row, frames in enumerate(lengths.tolist()):
        alone = head.embed(hidden[row : row + 1, :frames], lengths[row : row + 1])
        torch.testing.assert_close(together[row : row + 1], alone, rtol=0, atol=1e-5)
    assert head(hidden, lengths).abs().max() <= SCALE * 1.0001


def test_the_hops_attend_apart_from_one_another():
    torch.manual_seed(2)
    pool = POOLINGS["multi_hop"](6)
    hidden, lengths = torch.randn(1, 7, 6), torch.tensor([5])
    weights = pool.score(hidden)[0, :5].softmax(0)  # (T', HOPS): over time, within the utterance
    expected = torch.stack([(weights[:, hop : hop + 1] * hidden[0, :5]).sum(0) for hop in range(HOPS)])
    torch.testing.assert_close(pool(hidden, lengths)[0], expected.flatten())
