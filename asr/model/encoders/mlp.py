"""Multi-layer perceptron on frames with context: every output frame sees a fixed window of input and nothing more."""

from collections.abc import Callable

from torch import Tensor, nn

from asr.model.encoders.dropout import Dropout
from asr.model.encoders.subsampling import Subsampling
from asr.model.masking import zero_padding


class MLP(nn.Module):
    """(B, T, F) -> (B, T', dim): each frame beside `context` neighbours on both sides, then residual layers."""

    def __init__(
        self,
        features: int,
        dim: int,
        layers: int,
        context: int,
        dropout: float,
        subsampling: Callable[[int, int], Subsampling],
    ) -> None:
        super().__init__()
        self.dim, self.context = dim, context
        self.subsampling = subsampling(features, dim)
        self.stride, self.frames_of = self.subsampling.stride, self.subsampling.frames_of
        self.gather = nn.Linear((2 * context + 1) * dim, dim)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.SiLU(), Dropout(dropout), nn.Linear(2 * dim, dim)
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.subsampling(x, lengths)
        x = nn.functional.silu(x)
        window = nn.functional.pad(zero_padding(x, lengths), (0, 0, self.context, self.context))
        window = window.unfold(1, 2 * self.context + 1, 1).flatten(2)  # (B, T', dim * (2 * context + 1))
        x = self.gather(window)
        for layer in self.layers:
            x = x + layer(x)
        return self.norm(x), lengths
