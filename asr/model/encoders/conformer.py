"""Conformer (Gulati et al. 2020): attention for the whole utterance, convolution for the neighbourhood.

Layer normalization stands where the paper has batch normalization, whose statistics would see padding and batch mates.
"""

from collections.abc import Callable

from torch import Tensor, nn

from asr.model.encoders.attention import Position, SelfAttention
from asr.model.encoders.dropout import Dropout
from asr.model.encoders.subsampling import Subsampling
from asr.model.encoders.transformer import FeedForward, start_as_identity
from asr.model.masking import valid_frames


class Conformer(nn.Module):
    """(B, T, F) -> (B, T', dim)."""

    def __init__(
        self,
        features: int,
        dim: int,
        layers: int,
        heads: int,
        feed_forward: int,
        kernel_frames: int,
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
            ConformerBlock(dim, heads, feed_forward, kernel_frames, dropout, position) for _ in range(layers)
        )

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.subsampling(x, lengths)
        x = self.dropout(self.position.add(x))
        valid = valid_frames(lengths, x.shape[1])
        for block in self.blocks:
            x = block(x, valid)
        return x, lengths


class ConformerBlock(nn.Module):
    """(B, T, D) -> (B, T, D): half a feed-forward, attention, convolution, half a feed-forward."""

    def __init__(
        self, dim: int, heads: int, feed_forward: int, kernel_frames: int, dropout: float, position: Position
    ) -> None:
        super().__init__()
        self.norm_in, self.norm_attention, self.norm_out = (nn.LayerNorm(dim) for _ in range(3))
        self.feed_forward_in = FeedForward(dim, feed_forward, dropout)
        self.attention = SelfAttention(dim, heads, position)
        self.convolution = ConvolutionModule(dim, kernel_frames, dropout)
        self.feed_forward_out = FeedForward(dim, feed_forward, dropout)
        self.norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)
        halves = self.feed_forward_in, self.feed_forward_out
        start_as_identity(*(half.narrow for half in halves), self.attention.out, self.convolution.out)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        x = x + 0.5 * self.feed_forward_in(self.norm_in(x))
        x = x + self.dropout(self.attention(self.norm_attention(x), valid))
        x = x + self.convolution(x, valid)
        x = x + 0.5 * self.feed_forward_out(self.norm_out(x))
        return self.norm(x)


class ConvolutionModule(nn.Module):
    """(B, T, D) -> (B, T, D): gated pointwise, depthwise over `kernel_frames`, pointwise."""

    def __init__(self, dim: int, kernel_frames: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.gate = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv1d(dim, dim, kernel_frames, padding=kernel_frames // 2, groups=dim)
        self.norm_depthwise = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        x = nn.functional.glu(self.gate(self.norm(x)), dim=-1)
        x = self.depthwise(x.where(valid.unsqueeze(-1), 0.0).transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.out(nn.functional.silu(self.norm_depthwise(x))))
