"""Gated recurrent units (Cho et al. 2014), forward in time."""

from collections.abc import Callable

from torch import Tensor, nn

from asr.model.encoders.recurrent import Forward, RecurrentStack
from asr.model.encoders.subsampling import Subsampling


class GRU(nn.Module):
    """(B, T, F) -> (B, T', units): an output frame has seen every frame before it and none after."""

    def __init__(
        self, features: int, units: int, layers: int, dropout: float, subsampling: Callable[[int, int], Subsampling]
    ) -> None:
        super().__init__()
        self.dim = units
        self.subsampling = subsampling(features, units)
        self.stride, self.frames_of = self.subsampling.stride, self.subsampling.frames_of
        self.stack = RecurrentStack([Forward(nn.GRU, units, units) for _ in range(layers)], units, dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.subsampling(x, lengths)
        return self.stack(x, lengths), lengths
