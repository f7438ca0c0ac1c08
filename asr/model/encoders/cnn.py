"""Two-dimensional convolutions on the spectrogram, time by frequency, in residual blocks (He et al. 2016)."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from asr.model.encoders.convolution import Convolution
from asr.model.encoders.dropout import Dropout
from asr.model.encoders.subsampling import Subsampling
from asr.model.masking import valid_frames


class CNN(nn.Module):
    """(B, T, F) -> (B, T', dim): subsampled maps, blocks that halve frequency as channels grow, a projection."""

    def __init__(
        self,
        features: int,
        dim: int,
        channels: Sequence[int],
        blocks: int,
        kernel_frames: int,
        dropout: float,
        subsampling: Callable[[int, int], Subsampling],
    ) -> None:
        super().__init__()
        self.dim = dim
        self.subsampling = subsampling(features, dim)
        del self.subsampling.project  # this encoder keeps frequency as an axis of its own
        self.stride, self.frames_of = self.subsampling.stride, self.subsampling.frames_of
        width, bins = self.subsampling.channels, self.subsampling.bins
        self.blocks = nn.ModuleList()
        for out in channels:
            for index in range(blocks):
                halve = 2 if index == 0 else 1
                self.blocks.append(ConvBlock(width, out, kernel_frames, halve, dropout))
                width, bins = out, (bins + halve - 1) // halve
        self.project = nn.Sequential(nn.Linear(width * bins, dim), nn.SiLU(), Dropout(dropout))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.subsampling.maps(x, lengths)  # (B, C, T', F')
        valid = valid_frames(lengths, x.shape[2])[:, None, :, None]
        for block in self.blocks:
            x = block(x, valid)
        return self.norm(self.project(x.transpose(1, 2).flatten(2))), lengths


class ConvBlock(nn.Module):
    """Two convolutions with channel normalization and a shortcut, (B, C, T, F) -> (B, out, T, F / halve)."""

    def __init__(self, channels: int, out: int, kernel_frames: int, halve: int, dropout: float) -> None:
        super().__init__()
        kernel, padding = (kernel_frames, 3), (kernel_frames // 2, 1)
        self.first = Convolution(channels, out, kernel, (1, halve), padding)
        self.second = Convolution(out, out, kernel, 1, padding)
        self.shortcut = Convolution(channels, out, 1, (1, halve)) if halve > 1 or channels != out else nn.Identity()
        self.norm_first, self.norm_second = ChannelNorm(out), ChannelNorm(out)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        x = x.where(valid, 0.0)
        y = nn.functional.silu(self.norm_first(self.first(x))).where(valid, 0.0)
        y = self.dropout(self.norm_second(self.second(y)))
        return nn.functional.silu(y + self.shortcut(x))


class ChannelNorm(nn.Module):
    """Layer normalization over the channels of every time-frequency point: batch statistics would see padding."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.movedim(1, -1)).movedim(-1, 1)
