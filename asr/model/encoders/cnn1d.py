"""One-dimensional convolutions over time: a frame's coefficients are its channels (LeCun & Bengio 1995)."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from asr.model.encoders.dropout import Dropout
from asr.model.encoders.subsampling import Subsampling
from asr.model.masking import zero_padding


class CNN1D(nn.Module):
    """(B, T, F) -> (B, T', D): a convolution over `kernel_frames` for each of `channels`, the last of which is D."""

    def __init__(
        self,
        features: int,
        channels: Sequence[int],
        kernel_frames: int,
        dropout: float,
        subsampling: Callable[[int, int], Subsampling],
    ) -> None:
        super().__init__()
        self.dim = channels[-1]
        self.subsampling = subsampling(features, channels[0])
        self.stride, self.frames_of = self.subsampling.stride, self.subsampling.frames_of
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, out, kernel_frames, padding="same")
            for inputs, out in zip([channels[0], *channels], channels, strict=False)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(out) for out in channels)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.subsampling(x, lengths)  # (B, T', channels[0])
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = convolution(zero_padding(x, lengths).transpose(1, 2)).transpose(1, 2)
            x = self.dropout(norm(x).relu())
        return x, lengths
