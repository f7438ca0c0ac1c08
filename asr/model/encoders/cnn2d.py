"""Plain two-dimensional convolutions: a spectrogram seen as a picture (LeCun et al. 1998, with batch normalization)."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from asr.model.encoders.maps import PoolingBlocks
from asr.model.encoders.subsampling import Subsampling


class CNN2D(nn.Module):
    """(B, T, F) -> (B, T', dim): for each of `channels` some 3x3 convolutions and pooling that halves frequency."""

    def __init__(
        self,
        features: int,
        dim: int,
        channels: Sequence[int],
        convolutions: int,
        dropout: float,
        subsampling: Callable[[int, int], Subsampling],
    ) -> None:
        super().__init__()
        self.dim = dim
        front_end = subsampling(features, dim)
        self.stride, self.frames_of = front_end.stride, front_end.frames_of
        self.blocks = PoolingBlocks(front_end, channels, convolutions, dim, dropout)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.blocks(x, lengths)
        return self.norm(x.relu()), lengths
