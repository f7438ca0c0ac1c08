"""Convolutions that find patterns in the spectrogram, then a BiLSTM that follows them in time (Shi et al. 2017)."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from asr.model.encoders.maps import PoolingBlocks
from asr.model.encoders.recurrent import Bidirectional, RecurrentStack
from asr.model.encoders.subsampling import Subsampling


class CRNN(nn.Module):
    """(B, T, F) -> (B, T', 2 · units): an output frame has seen the whole utterance, from both sides."""

    def __init__(
        self,
        features: int,
        channels: Sequence[int],
        units: int,
        layers: int,
        dropout: float,
        subsampling: Callable[[int, int], Subsampling],
    ) -> None:
        super().__init__()
        self.dim = 2 * units
        front_end = subsampling(features, self.dim)
        self.stride, self.frames_of = front_end.stride, front_end.frames_of
        self.blocks = PoolingBlocks(front_end, channels, 1, self.dim, dropout)
        recurrences = [Bidirectional(nn.LSTM, self.dim, units) for _ in range(layers)]
        self.stack = RecurrentStack(recurrences, self.dim, dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.blocks(x, lengths)
        return self.stack(x, lengths), lengths
