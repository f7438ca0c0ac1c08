"""Transformer encoder on frames (Vaswani et al. 2017), with the normalization before each part (Xiong et al. 2020)."""

from collections.abc import Callable

from torch import Tensor, nn

from asr.model.encoders.attention import Position, SelfAttention
from asr.model.encoders.dropout import Dropout
from asr.model.encoders.subsampling import Subsampling
from asr.model.masking import valid_frames


class Transformer(nn.Module):
    """(B, T, F) -> (B, T', dim): blocks of self-attention over the whole utterance and a feed-forward layer."""

    def __init__(
        self,
        features: int,
        dim: int,
        layers: int,
        heads: int,
        feed_forward: int,
        dropout: float,
        position: Position,
        subsampling: Callable[[int, int], Subsampling],
    ) -> None:
        super().__init__()
        self.dim, self.position = dim, position
        self.subsampling = subsampling(features, dim)
        self.stride, self.frames_of = self.subsampling.stride, self.subsampling.frames_of
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(
            TransformerBlock(dim, heads, feed_forward, dropout, position) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.subsampling(x, lengths)
        x = self.dropout(self.position.add(x))
        valid = valid_frames(lengths, x.shape[1])
        for block in self.blocks:
            x = block(x, valid)
        return self.norm(x), lengths


class TransformerBlock(nn.Module):
    """(B, T, D) -> (B, T, D)."""

    def __init__(self, dim: int, heads: int, feed_forward: int, dropout: float, position: Position) -> None:
        super().__init__()
        self.norm_attention, self.norm_feed_forward = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads, position)
        self.feed_forward = FeedForward(dim, feed_forward, dropout)
        self.dropout = Dropout(dropout)
        start_as_identity(self.attention.out, self.feed_forward.narrow)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm_attention(x), valid))
        return x + self.feed_forward(self.norm_feed_forward(x))


class FeedForward(nn.Module):
    """(B, T, D) -> (B, T, D), every frame for itself; dropout on the result, a quarter as wide as the hidden layer."""

    def __init__(self, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.narrow(nn.functional.silu(self.wide(x))))


def start_as_identity(*last: nn.Module) -> None:
    """Zero the last layer of residual branches: a deep encoder begins as its front end (Zhang et al. 2019, Fixup).

    CTC training begins on a plateau where only blanks are emitted; a shallow network leaves it within an epoch or two
    and the blocks then learn to improve on it, where a deep random one stays for many epochs.
    """
    for layer in last:
        assert isinstance(layer, nn.Linear)
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
