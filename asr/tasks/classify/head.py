"""From hidden frames to label probabilities: pooled over time, then one linear layer.

Shapes: B utterances, T' frames, D the encoder's width, L labels.
"""

import torch
from torch import Tensor, nn

from asr.model.masking import valid_frames


class MeanPooling(nn.Module):
    """(B, T', D), (B,) -> (B, D): the mean of the frames of each utterance."""

    def __init__(self, dim: int) -> None:
        super().__init__()

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        valid = valid_frames(lengths, hidden.shape[1]).unsqueeze(-1)
        return hidden.where(valid, 0.0).sum(1) / lengths.clamp_min(1).unsqueeze(-1)


class AttentivePooling(nn.Module):
    """(B, T', D), (B,) -> (B, D): a weighted mean, the weights a softmax over time within each utterance.

    Lin et al. 2017, "A structured self-attentive sentence embedding", with one head.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(dim, dim // 2), nn.Tanh(), nn.Linear(dim // 2, 1))

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        valid = valid_frames(lengths.clamp_min(1), hidden.shape[1])
        hidden = hidden.where(valid.unsqueeze(-1), 0.0)  # padding may hold anything, and 0 · inf is no number
        scores = self.score(hidden).squeeze(-1).float().masked_fill(~valid, -torch.inf)
        return (scores.softmax(1).unsqueeze(-1) * hidden).sum(1)


POOLINGS: dict[str, type[MeanPooling | AttentivePooling]] = {"mean": MeanPooling, "attentive": AttentivePooling}


class LabelHead(nn.Module):
    """(B, T', D), (B,) -> (B, L) log-probabilities in 32 bits."""

    def __init__(self, dim: int, labels: int, pooling: str) -> None:
        super().__init__()
        self.pool = POOLINGS[pooling](dim)
        self.project = nn.Linear(dim, labels)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        return self.project(self.pool(hidden, lengths)).float().log_softmax(-1)
