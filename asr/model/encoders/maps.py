"""What encoders share that work on two-dimensional maps, time by frequency: the way in, blocks, the way out.

Shapes: B utterances, C channels, T frames, F frequency bins; `valid` is (B, 1, T, 1) bool, True within utterances.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from asr.model.encoders.batch_norm import MaskedBatchNorm
from asr.model.encoders.convolution import Convolution
from asr.model.encoders.dropout import Dropout
from asr.model.encoders.subsampling import Subsampling
from asr.model.masking import valid_frames


def without_projection(subsampling: Subsampling) -> Subsampling:
    """The front end for its `maps` alone: weights that nothing uses would be trained, counted and saved."""
    del subsampling.project
    return subsampling


def valid_map(lengths: Tensor, x: Tensor) -> Tensor:
    """(B,), (B, C, T, F) -> (B, 1, T, 1) bool."""
    return valid_frames(lengths, x.shape[2])[:, None, :, None]


class NormalizedConvolution(nn.Module):
    """(B, C, T, F) -> (B, out, T, F / halve): a convolution that sees no padding, then batch normalization."""

    def __init__(self, channels: int, out: int, kernel: int, halve: int = 1) -> None:
        super().__init__()
        self.convolution = Convolution(channels, out, kernel, (1, halve), kernel // 2, bias=False)
        self.norm = MaskedBatchNorm(out)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        # a front end has cleared what is not finite, so the mask may be multiplied: on CPUs twice as fast as a choice
        return self.norm(self.convolution(x * valid), valid)


class PoolingBlock(nn.Module):
    """(B, C, T, F) -> (B, out, T, ceil(F / 2)): 3x3 convolutions, then the larger of every two neighbouring bins."""

    def __init__(self, channels: int, out: int, convolutions: int, dropout: float) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            NormalizedConvolution(out if index else channels, out, 3) for index in range(convolutions)
        )
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        for convolution in self.convolutions:
            x = convolution(x, valid).relu()
        return self.dropout(nn.functional.max_pool2d(x, (1, 2), ceil_mode=True))


class PoolingBlocks(nn.Module):
    """(B, T, F), (B,) -> (B, T', width), (B,): a front end, a block for each of `channels`, all of a frame laid out."""

    def __init__(
        self, subsampling: Subsampling, channels: Sequence[int], convolutions: int, width: int, dropout: float
    ) -> None:
        super().__init__()
        self.subsampling = without_projection(subsampling)
        inputs, bins = self.subsampling.channels, self.subsampling.bins
        self.blocks = nn.ModuleList()
        for out in channels:
            self.blocks.append(PoolingBlock(inputs, out, convolutions, dropout))
            inputs, bins = out, (bins + 1) // 2
        self.project = nn.Linear(inputs * bins, width)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.subsampling.maps(x, lengths)  # (B, C, T', F')
        valid = valid_map(lengths, x)
        for block in self.blocks:
            x = block(x, valid)
        return self.project(x.transpose(1, 2).flatten(2)), lengths
