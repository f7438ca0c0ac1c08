"""The front ends all encoders share: fewer, wider frames, from 1x to 8x.

Both offer `maps`, the two-dimensional form (B, C, T', F') that a CNN goes on with, and `forward`, (B, T', dim).
"""

from torch import Tensor, nn

from asr.errors import UserError
from asr.model.encoders.convolution import Convolution
from asr.model.masking import valid_frames


class StackSubsampling(nn.Module):
    """`factor` neighbouring frames become one: (B, T, F) -> (B, ceil(T / factor), dim)."""

    def __init__(self, features: int, dim: int, factor: int) -> None:
        super().__init__()
        self.stride, self.channels, self.bins = factor, factor, features
        self.project = nn.Linear(factor * features, dim)

    def maps(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, F) -> (B, factor, T', F), (B,): each stacked frame is a channel."""
        x = x.where(valid_frames(lengths, x.shape[1]).unsqueeze(-1), 0.0)
        x = nn.functional.pad(x, (0, 0, 0, -x.shape[1] % self.stride))
        return x.unflatten(1, (-1, self.stride)).transpose(1, 2), self.frames_of(lengths)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return flatten_and_project(self, x, lengths)

    def frames_of(self, frames: Tensor) -> Tensor:
        return (frames + self.stride - 1) // self.stride


class ConvSubsampling(nn.Module):
    """3x3 convolutions over time and frequency, each halving both: (B, T, F) -> (B, ceil(T / factor), dim).

    With factor 1, one convolution halves frequency alone. The padding is cleared before every convolution.
    """

    def __init__(self, features: int, dim: int, factor: int, channels: int) -> None:
        super().__init__()
        if factor not in (1, 2, 4, 8):
            raise UserError(f"encoder.subsampling.factor={factor}: convolutional subsampling takes 1, 2, 4 or 8")
        strides = [(1, 2)] if factor == 1 else [(2, 2)] * (factor.bit_length() - 1)
        self.stride, self.channels, self.bins = factor, channels, features
        self.convolutions, self.strides = nn.ModuleList(), [over_time for over_time, _ in strides]
        for index, stride in enumerate(strides):
            self.convolutions.append(Convolution(channels if index else 1, channels, 3, stride, padding=1))
            self.bins = (self.bins + 1) // 2
        self.project = nn.Linear(channels * self.bins, dim)

    def maps(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, F) -> (B, channels, T', F'), (B,)."""
        x = x.unsqueeze(1)
        for convolution, stride in zip(self.convolutions, self.strides, strict=True):
            x = x.where(valid_frames(lengths, x.shape[2])[:, None, :, None], 0.0)
            x = nn.functional.silu(convolution(x))
            lengths = (lengths + stride - 1) // stride
        return x, lengths

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return flatten_and_project(self, x, lengths)

    def frames_of(self, frames: Tensor) -> Tensor:
        return (frames + self.stride - 1) // self.stride


Subsampling = StackSubsampling | ConvSubsampling


def flatten_and_project(subsampling: Subsampling, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Lay the channels of every frame side by side: (B, C, T', F') -> (B, T', C * F') -> (B, T', dim)."""
    maps, lengths = subsampling.maps(x, lengths)
    return subsampling.project(maps.transpose(1, 2).flatten(2)), lengths
