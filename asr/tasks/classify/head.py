"""From hidden frames to a score of every label: pooled over time, an embedding, and a comparison with each label.

Shapes: B utterances, T' frames, D the encoder's width, E the embedding's, L labels.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from asr.tasks.classify.pooling import POOLINGS


class LabelHead(nn.Module):
    """(B, T', D), (B,) -> (B, L) logits in 32 bits.

    embedding: E, None for what the pooling gives. scale: of cosines between embedding and labels, None for one
    linear layer, which has lengths and a bias.
    """

    def __init__(self, dim: int, labels: int, pooling: str, embedding: int | None = None, scale: float | None = None):
        super().__init__()
        self.pool = POOLINGS[pooling](dim)
        pooled: int = self.pool.dim  # type: ignore[assignment]  # torch tells every attribute's type alike
        width = pooled if embedding is None else embedding
        self.embedding = nn.Identity() if embedding is None else nn.Linear(pooled, embedding)
        self.project = nn.Linear(width, labels) if scale is None else Cosines(width, labels, scale)

    def embed(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """(B, T', D), (B,) -> (B, E): what is left of an utterance before its label is told."""
        return self.embedding(self.pool(hidden, lengths))

    def embedding_parameters(self) -> Iterator[nn.Parameter]:
        """What `embed` has to learn."""
        yield from self.pool.parameters()
        yield from self.embedding.parameters()

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        return self.project(self.embed(hidden, lengths)).float()


class Cosines(nn.Module):
    """(B, E) -> (B, L): `scale` times the cosine between an embedding and the direction of each label."""

    def __init__(self, dim: int, labels: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(nn.init.xavier_normal_(torch.empty(labels, dim)))

    def forward(self, embeddings: Tensor) -> Tensor:
        with torch.autocast(embeddings.device.type, enabled=False):  # bf16 tells angles apart too coarsely
            directions = nn.functional.normalize(self.weight.float(), dim=1)
            return self.scale * nn.functional.normalize(embeddings.float(), dim=1) @ directions.T
