"""ECAPA-TDNN up to its pooling, which is the task's (Desplanques et al. 2020): who speaks, told from frames.

Shapes: B utterances, C channels, T frames; `valid` is (B, 1, T) bool, True within utterances.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from asr.errors import UserError
from asr.model.encoders.batch_norm import MaskedBatchNorm
from asr.model.encoders.dropout import Dropout
from asr.model.encoders.maps import without_projection
from asr.model.encoders.subsampling import Subsampling
from asr.model.masking import valid_frames


class ECAPA(nn.Module):
    """(B, T, F) -> (B, T', dim): a block for each of `dilations`; what all blocks found is brought together."""

    def __init__(
        self,
        features: int,
        dim: int,
        width: int,
        dilations: Sequence[int],
        scale: int,
        bottleneck: int,
        dropout: float,
        subsampling: Callable[[int, int], Subsampling],
    ) -> None:
        super().__init__()
        if width % scale:
            raise UserError(f"encoder.width={width}: has to be a multiple of encoder.scale={scale}")
        self.dim = dim
        self.subsampling = without_projection(subsampling(features, dim))
        self.stride, self.frames_of = self.subsampling.stride, self.subsampling.frames_of
        self.first = FrameLayer(self.subsampling.channels * self.subsampling.bins, width, 5)
        self.blocks = nn.ModuleList(SERes2Block(width, dilation, scale, bottleneck) for dilation in dilations)
        self.aggregate = FrameLayer(len(dilations) * width, dim, 1)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.subsampling.maps(x, lengths)
        x = x.transpose(2, 3).flatten(1, 2)  # (B, C · F', T')
        valid = valid_frames(lengths, x.shape[2]).unsqueeze(1)
        total, found = self.first(x, valid), []
        for block in self.blocks:
            found.append(block(total, valid))
            total = total + found[-1]  # a block is given the sum of all before it
        x = self.aggregate(torch.cat(found, dim=1), valid)
        return self.dropout(x.transpose(1, 2)), lengths


class FrameLayer(nn.Module):
    """(B, C, T) -> (B, out, T): a convolution over time that sees no padding, ReLU, batch normalization."""

    def __init__(self, channels: int, out: int, kernel_frames: int, dilation: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, out, kernel_frames, padding="same", dilation=dilation)
        self.norm = MaskedBatchNorm(out)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        # a front end has cleared what is not finite, so the mask may be multiplied: on CPUs twice as fast as a choice
        return self.norm(self.convolution(x * valid).relu(), valid)


class SERes2Block(nn.Module):
    """(B, C, T) -> (B, C, T): convolutions over ever more frames between two layers, squeeze-excitation, a shortcut."""

    def __init__(self, channels: int, dilation: int, scale: int, bottleneck: int) -> None:
        super().__init__()
        self.into, self.out = FrameLayer(channels, channels, 1), FrameLayer(channels, channels, 1)
        self.between = Res2(channels, dilation, scale)
        self.excite = SqueezeExcitation(channels, bottleneck)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        return x + self.excite(self.out(self.between(self.into(x, valid), valid), valid), valid)


class Res2(nn.Module):
    """(B, C, T) -> (B, C, T) in `scale` groups of channels, each convolved with what the one before it gave.

    Gao et al. 2019, "Res2Net". The first group passes unchanged.
    """

    def __init__(self, channels: int, dilation: int, scale: int) -> None:
        super().__init__()
        self.scale, width = scale, channels // scale
        self.layers = nn.ModuleList(FrameLayer(width, width, 3, dilation) for _ in range(scale - 1))

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        first, *groups = x.chunk(self.scale, dim=1)
        found = [first]
        for index, (layer, group) in enumerate(zip(self.layers, groups, strict=True)):
            found.append(layer(group + found[-1] if index else group, valid))
        return torch.cat(found, dim=1)


class SqueezeExcitation(nn.Module):
    """(B, C, T) -> (B, C, T): channels weighed by what the whole utterance holds of them (Hu et al. 2018)."""

    def __init__(self, channels: int, bottleneck: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Linear(channels, bottleneck), nn.ReLU(), nn.Linear(bottleneck, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        mean = (x.float() * valid).sum(2) / valid.sum(2).clamp_min(1)  # (B, C), of valid frames
        return x * self.weigh(mean.to(x.dtype)).unsqueeze(2)
