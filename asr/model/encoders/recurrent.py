"""The recurrent encoder: LSTM, GRU and BiLSTM are this one with layers of their own.

Batches run padded, not packed: the fused CPU kernels take padded batches alone, about three times as fast. A recurrence
forward in time never sees the padding that follows an utterance; backward layers reverse each utterance in its length.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from asr.model.encoders.dropout import Dropout
from asr.model.encoders.subsampling import Subsampling
from asr.model.masking import reverse_frames

NewSubsampling = Callable[[int, int], Subsampling]  # (coefficients in, width out)


class RecurrentEncoder(nn.Module):
    """(B, T, F) -> (B, T', width): a front end, then layers of this width that `new_layer` makes."""

    def __init__(
        self,
        new_layer: Callable[[], nn.Module],
        features: int,
        width: int,
        layers: int,
        dropout: float,
        subsampling: NewSubsampling,
    ) -> None:
        super().__init__()
        self.dim = width
        self.subsampling = subsampling(features, width)
        self.stride, self.frames_of = self.subsampling.stride, self.subsampling.frames_of
        self.stack = RecurrentStack([new_layer() for _ in range(layers)], width, dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.subsampling(x, lengths)
        return self.stack(x, lengths), lengths


class RecurrentStack(nn.Module):
    """(B, T, D) -> (B, T, width): `layers`, each `(x, lengths) -> x` and followed by normalization and dropout."""

    def __init__(self, layers: Sequence[nn.Module], width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in layers)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = self.dropout(norm(layer(x, lengths)))
        return x


class Forward(nn.Module):
    """One recurrence from first frame to last."""

    def __init__(self, cell: Callable[..., nn.RNNBase], inputs: int, units: int) -> None:
        super().__init__()
        self.forwards = cell(inputs, units, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.forwards(x)[0]


class Bidirectional(nn.Module):
    """Two recurrences, from the first frame and each utterance's last (Schuster & Paliwal 1997): (B, T, 2 · units)."""

    def __init__(self, cell: Callable[..., nn.RNNBase], inputs: int, units: int) -> None:
        super().__init__()
        self.forwards = cell(inputs, units, batch_first=True)
        self.backwards = cell(inputs, units, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        ahead = self.forwards(x)[0]
        behind = reverse_frames(self.backwards(reverse_frames(x, lengths))[0], lengths)
        return torch.cat([ahead, behind], dim=-1)
