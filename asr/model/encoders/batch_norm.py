"""Batch normalization (Ioffe & Szegedy 2015) that padding cannot reach."""

import torch
from torch import Tensor, nn

EPSILON = 1e-5
MOMENTUM = 0.1  # share of a batch in the running averages


class MaskedBatchNorm(nn.Module):
    """(B, C, T, …), valid (B, 1, T, …) bool -> (B, C, T, …): as torch's on the valid frames, end to end.

    Training normalizes by the mean and variance of the batch's valid frames, so a frame depends on its batch but never
    on padding. Outside training the running averages stand in, and an utterance is the same alone and in a batch.
    Statistics are computed in 32 bits under autocast. A batch of one value a channel, or with values that are not
    finite, leaves the running averages as they are.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_variance", torch.ones(channels))

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        if not self.training:
            return nn.functional.batch_norm(
                x, self.running_mean, self.running_variance, self.weight, self.bias, training=False, eps=EPSILON
            )
        with torch.autocast(x.device.type, enabled=False):
            return self.normalize_by_batch(x.float(), valid).to(x.dtype)

    def normalize_by_batch(self, x: Tensor, valid: Tensor) -> Tensor:
        others = [0, *range(2, x.dim())]  # every dimension but the channels
        shape = (1, -1, *[1] * (x.dim() - 2))
        values = valid.expand_as(x[:, :1]).sum()  # of each channel
        x = x.where(valid, 0.0)
        mean = x.sum(others) / values.clamp_min(1)
        centred = torch.addcmul(x, valid.to(x.dtype), mean.view(shape), value=-1)  # zero in the padding
        variance = centred.square().sum(others) / values.clamp_min(1)
        self.update_averages(mean.detach(), variance.detach(), values)
        scale = self.weight * (variance + EPSILON).rsqrt()
        return torch.addcmul(self.bias.view(shape), centred, scale.view(shape))

    def update_averages(self, mean: Tensor, variance: Tensor, values: Tensor) -> None:
        """Move both towards the batch's (C,), the variance without bias, unless they are unsound."""
        sound = (values > 1) & mean.isfinite() & variance.isfinite()
        unbiased = variance * (values / (values - 1).clamp_min(1))
        for average, found in ((self.running_mean, mean), (self.running_variance, unbiased)):
            average.copy_(torch.where(sound, average.lerp(found, MOMENTUM), average))

    def extra_repr(self) -> str:
        return f"channels={len(self.weight)}"
