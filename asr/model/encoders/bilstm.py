"""Bidirectional long short-term memory for CTC (Graves et al. 2013)."""

from collections.abc import Callable

from torch import Tensor, nn

from asr.model.encoders.recurrent import Bidirectional, RecurrentStack
from asr.model.encoders.subsampling import Subsampling


class BiLSTM(nn.Module):
    """(B, T, F) -> (B, T', 2 · units): an output frame has seen the whole utterance, from both sides."""

    def __init__(
        self, features: int, units: int, layers: int, dropout: float, subsampling: Callable[[int, int], Subsampling]
    ) -> None:
        super().__init__()
        self.dim = 2 * units
        self.subsampling = subsampling(features, self.dim)
        self.stride, self.frames_of = self.subsampling.stride, self.subsampling.frames_of
        stack = [Bidirectional(nn.LSTM, self.dim, units) for _ in range(layers)]
        self.stack = RecurrentStack(stack, self.dim, dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.subsampling(x, lengths)
        return self.stack(x, lengths), lengths
