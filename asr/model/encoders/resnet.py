"""Residual networks (He et al. 2016) for speech: frequency is halved and pooled, time is kept (Chung et al. 2020).

The front end stands where the papers have their first convolution. Shapes: B utterances, C channels, T' frames, F bins.
"""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from asr.errors import UserError
from asr.model.encoders.dropout import Dropout
from asr.model.encoders.maps import NormalizedConvolution, valid_map, without_projection
from asr.model.encoders.subsampling import Subsampling

NewSubsampling = Callable[[int, int], Subsampling]  # (coefficients in, width out)


def ResNet18(  # noqa: N802 - named as what it is
    features: int, channels: Sequence[int], dropout: float, subsampling: NewSubsampling
) -> "ResNet":
    """(B, T, F) -> (B, T', D), D the last of `channels`: 8 blocks of two convolutions."""
    return ResNet(two_convolutions, (2, 2, 2, 2), features, channels, dropout, subsampling)


def ResNet34(  # noqa: N802
    features: int, channels: Sequence[int], dropout: float, subsampling: NewSubsampling
) -> "ResNet":
    """(B, T, F) -> (B, T', D), D the last of `channels`: 16 blocks of two convolutions."""
    return ResNet(two_convolutions, (3, 4, 6, 3), features, channels, dropout, subsampling)


def ResNet50(  # noqa: N802
    features: int, channels: Sequence[int], dropout: float, subsampling: NewSubsampling
) -> "ResNet":
    """(B, T, F) -> (B, T', D), D four times the last of `channels`: 16 blocks of three convolutions."""
    return ResNet(bottleneck, (3, 4, 6, 3), features, channels, dropout, subsampling)


def two_convolutions(inputs: int, channels: int, halve: int) -> list[NormalizedConvolution]:
    return [NormalizedConvolution(inputs, channels, 3, halve), NormalizedConvolution(channels, channels, 3)]


def bottleneck(inputs: int, channels: int, halve: int) -> list[NormalizedConvolution]:
    return [
        NormalizedConvolution(inputs, channels, 1),
        NormalizedConvolution(channels, channels, 3, halve),
        NormalizedConvolution(channels, 4 * channels, 1),
    ]


class ResNet(nn.Module):
    """(B, T, F) -> (B, T', D): stages of residual blocks, one for each of `channels`, then the mean over frequency.

    Raises UserError for more channels than `depths`, the numbers of blocks.
    """

    def __init__(
        self,
        new_branch: Callable[[int, int, int], list[NormalizedConvolution]],
        depths: Sequence[int],
        features: int,
        channels: Sequence[int],
        dropout: float,
        subsampling: NewSubsampling,
    ) -> None:
        super().__init__()
        if len(channels) > len(depths):
            raise UserError(f"encoder.channels={list(channels)}: has to be a list of at most {len(depths)} numbers")
        self.subsampling = without_projection(subsampling(features, 1))
        self.stride, self.frames_of = self.subsampling.stride, self.subsampling.frames_of
        width = self.subsampling.channels
        self.blocks = nn.ModuleList()
        for stage, (each, depth) in enumerate(zip(channels, depths, strict=False)):
            for index in range(depth):
                halve = 2 if stage and not index else 1
                block = ResidualBlock(width, new_branch(width, each, halve), halve)
                self.blocks.append(block)
                width = block.channels
        self.dim = width
        self.norm, self.dropout = nn.LayerNorm(width), Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.subsampling.maps(x, lengths)  # (B, C, T', F')
        valid = valid_map(lengths, x)
        for block in self.blocks:
            x = block(x, valid)
        return self.dropout(self.norm(x.mean(3).transpose(1, 2))), lengths


class ResidualBlock(nn.Module):
    """(B, inputs, T', F) -> (B, channels, T', F / halve): a branch of convolutions, added to its input.

    The last normalization of a branch begins at zero and the block as the identity (Goyal et al. 2017).
    """

    def __init__(self, inputs: int, branch: Sequence[NormalizedConvolution], halve: int) -> None:
        super().__init__()
        self.branch, self.channels = nn.ModuleList(branch), branch[-1].convolution.out_channels
        nn.init.zeros_(branch[-1].norm.weight)
        changes = halve > 1 or inputs != self.channels
        self.shortcut = NormalizedConvolution(inputs, self.channels, 1, halve) if changes else None

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        y = x
        for index, convolution in enumerate(self.branch):
            y = convolution(y.relu() if index else y, valid)
        return (y + (x if self.shortcut is None else self.shortcut(x, valid))).relu()
