"""The fast dropout keeps the mean, drops its share, and repeats itself with the seed."""

import pytest
import torch

from asr.model.encoders.dropout import Dropout


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_share_and_mean(share):
    torch.manual_seed(0)
    y = Dropout(share)(torch.ones(1000, 1001))
    assert float((y == 0).float().mean()) == pytest.approx(share, abs=0.004)
    assert float(y.mean()) == pytest.approx(1.0, abs=0.005)


def test_every_element_is_as_likely_to_be_dropped_as_its_neighbours():
    torch.manual_seed(0)
    dropped = (Dropout(0.25)(torch.ones(80_000)) == 0).float().view(-1, 8)
    assert dropped.mean(0).tolist() == pytest.approx([0.25] * 8, abs=0.02)
    correlation = torch.corrcoef(dropped.T) - torch.eye(8)
    assert correlation.abs().max() < 0.05


def test_nothing_happens_outside_training_and_with_share_zero():
    x = torch.randn(10, 10)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


def test_seed_repeats_the_mask():
    x = torch.ones(100)
    torch.manual_seed(3)
    first = Dropout(0.5)(x)
    torch.manual_seed(3)
    assert torch.equal(first, Dropout(0.5)(x))


def test_gradient_passes_where_the_element_passed():
    x = torch.ones(50, requires_grad=True)
    y = Dropout(0.5)(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
