"""Masked batch normalization is torch's on the valid frames laid end to end, whatever the padding holds."""

import pytest
import torch
from torch import Tensor, nn

from asr.model.encoders.batch_norm import MaskedBatchNorm

CHANNELS = 6
LENGTHS = torch.tensor([9, 4, 1])
SHAPES = [pytest.param((3, CHANNELS, 9), id="frames"), pytest.param((3, CHANNELS, 9, 5), id="maps")]


def valid_of(shape: tuple[int, ...]) -> Tensor:
    """(B, 1, T, …) bool."""
    valid = torch.arange(shape[2]) < LENGTHS.unsqueeze(1)
    return valid.view(shape[0], 1, shape[2], *[1] * (len(shape) - 3))


def laid_out(x: Tensor) -> Tensor:
    """(B, C, T, …) -> (1, C, frames, …): the valid frames of all utterances, one after the other."""
    return torch.cat([x[row, :, :length] for row, length in enumerate(LENGTHS.tolist())], dim=1).unsqueeze(0)


def both() -> tuple[MaskedBatchNorm, nn.BatchNorm1d, nn.BatchNorm2d]:
    """Ours and torch's two, with the same weights."""
    torch.manual_seed(0)
    ours, *others = MaskedBatchNorm(CHANNELS), nn.BatchNorm1d(CHANNELS), nn.BatchNorm2d(CHANNELS)
    weight, bias = torch.randn(CHANNELS), torch.randn(CHANNELS)
    for norm in (ours, *others):
        norm.load_state_dict({"weight": weight, "bias": bias}, strict=False)
    return ours, *others


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("padding", [0.0, 1e6, float("nan"), float("inf")])
def test_frames_averages_and_gradients_are_those_of_torch(shape, padding):
    ours, *others = both()
    theirs = others[len(shape) - 3]
    valid = valid_of(shape)
    for _step in range(3):
        x = (10.0 + 2.0 * torch.randn(shape)).where(valid, padding).requires_grad_()
        alone = laid_out(x.detach()).requires_grad_()
        weights = torch.randn(shape)
        found, expected = laid_out(ours(x, valid)), theirs(alone)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        ours.zero_grad(), theirs.zero_grad()
        (found * laid_out(weights)).sum().backward()
        (expected * laid_out(weights)).sum().backward()
        torch.testing.assert_close(laid_out(x.grad), alone.grad, rtol=1e-4, atol=1e-5)
        assert x.grad.where(valid, 0.0).equal(x.grad), "a gradient came to the padding"
        torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(ours.bias.grad, theirs.bias.grad, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_variance, theirs.running_var)
    x = torch.randn(shape)
    torch.testing.assert_close(ours.eval()(x, valid), theirs.eval()(x))


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_statistics_stay_in_32_bits_under_autocast(mode):
    """In bf16 a mean of 1000 is only right to 4, and what is normalized would be wrong by twice its deviation."""
    ours, theirs, _ = both()
    x = 1000.0 + 2.0 * torch.randn(3, CHANNELS, 9)
    ours.train(mode == "train"), theirs.train(mode == "train")
    if mode == "eval":
        for norm in (ours, theirs):
            norm.running_mean.fill_(1000.0)
    with torch.autocast("cpu", torch.bfloat16):
        found = ours(x, valid_of(x.shape))
    torch.testing.assert_close(laid_out(found).float(), theirs(laid_out(x)), rtol=1e-2, atol=1e-2)
    assert ours(x.bfloat16(), valid_of(x.shape)).dtype == torch.bfloat16
    assert ours.running_mean.dtype == torch.float32


def test_one_valid_value_gives_the_bias_and_teaches_nothing():
    norm, _, _ = both()
    x, valid = torch.randn(2, CHANNELS, 3, requires_grad=True), torch.zeros(2, 1, 3, dtype=torch.bool)
    valid[0, 0, 0] = True
    y = norm(x, valid)
    assert y[0, :, 0].equal(norm.bias)
    y[0, :, 0].sum().backward()
    assert x.grad.isfinite().all()
    assert norm.running_mean.equal(torch.zeros(CHANNELS))
    assert norm.running_variance.equal(torch.ones(CHANNELS))


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_frames_that_are_not_finite_leave_the_averages_alone(broken):
    """Training leaves out such a step; averages that took it in would spoil all that follow."""
    norm, _, _ = both()
    x = torch.randn(3, CHANNELS, 9)
    x[0, :, 2] = broken
    norm(x, valid_of(x.shape))
    assert norm.running_mean.equal(torch.zeros(CHANNELS))
    assert norm.running_variance.equal(torch.ones(CHANNELS))
