"""What the recurrent encoders share: layers over frames, normalized and dropped out between.

Batches run padded, not packed: the fused CPU kernels take padded batches alone, about three times as fast. A recurrence
forward in time never sees the padding that follows an utterance; backward layers reverse each utterance in its length.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from asr.model.encoders.dropout import Dropout
from asr.model.masking import reverse_frames


class RecurrentStack(nn.Module):
    """(B, T, D) -> (B, T, layer width) through `layers`, each `(x, lengths) -> x`."""

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
