"""From the frames of an utterance to one vector: B utterances, T' frames, D the encoder's width.

Each is made with D, says in `dim` how wide its vectors are, and is (hidden (B, T', D), lengths (B,)) -> (B, dim).
Padding may hold anything. All compute in 32 bits: a sum over thousands of frames needs them.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from asr.model.masking import valid_frames, zero_padding

HOPS = 4  # of multi-hop attention, as An et al. 2019 have them
VARIANCE_FLOOR = 1e-5  # keeps the root of a variance, and its gradient, finite


class MeanPooling(nn.Module):
    """(B, T', D), (B,) -> (B, D): the mean of the frames of each utterance."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        return weighted_mean(zero_padding(hidden, lengths).float(), evenly(lengths, hidden.shape[1]))


class MeanDeviationPooling(nn.Module):
    """(B, T', D), (B,) -> (B, 2·D): mean and standard deviation over time (Snyder et al. 2018, "X-vectors")."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = 2 * dim

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        return mean_and_deviation(zero_padding(hidden, lengths).float(), evenly(lengths, hidden.shape[1]))


class StatisticsPooling(nn.Module):
    """(B, T', D), (B,) -> (B, 5·D): mean, standard deviation, and the 10th, 50th and 90th percentiles over time."""

    shares = (0.1, 0.5, 0.9)

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = (2 + len(self.shares)) * dim

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        hidden = zero_padding(hidden, lengths).float()
        moments = mean_and_deviation(hidden, evenly(lengths, hidden.shape[1]))
        valid = valid_frames(lengths, hidden.shape[1]).unsqueeze(-1)
        ordered = hidden.masked_fill(~valid, torch.inf).sort(1).values
        return torch.cat([moments, *(percentile(ordered, lengths, share) for share in self.shares)], dim=1)


class AttentivePooling(nn.Module):
    """(B, T', D), (B,) -> (B, D): a weighted mean, the weights a softmax over time within each utterance.

    Lin et al. 2017, "A structured self-attentive sentence embedding", with one head.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim, self.score = dim, attention_scores(dim, 1)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        hidden = zero_padding(hidden, lengths).float()
        return weighted_mean(hidden, attention(self.score(hidden), lengths))


class AttentiveDeviationPooling(nn.Module):
    """(B, T', D), (B,) -> (B, 2·D): weighted mean and deviation (Okabe et al. 2018, "Attentive statistics pooling")."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim, self.score = 2 * dim, attention_scores(dim, 1)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        hidden = zero_padding(hidden, lengths).float()
        return mean_and_deviation(hidden, attention(self.score(hidden), lengths))


class MultiHopPooling(nn.Module):
    """(B, T', D), (B,) -> (B, HOPS·D): several weighted means side by side, each with weights of its own.

    Lin et al. 2017; for speakers An et al. 2019, "Deep CNNs with self-attention for speaker identification".
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim, self.score = HOPS * dim, attention_scores(dim, HOPS)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        hidden = zero_padding(hidden, lengths).float()
        weights = attention(self.score(hidden), lengths)  # (B, T', HOPS)
        return (weights.transpose(1, 2) @ hidden).flatten(1)


POOLINGS: dict[str, Callable[[int], nn.Module]] = {
    "mean": MeanPooling,
    "mean_deviation": MeanDeviationPooling,
    "statistics": StatisticsPooling,
    "attentive": AttentivePooling,
    "attentive_deviation": AttentiveDeviationPooling,
    "multi_hop": MultiHopPooling,
}


def attention_scores(dim: int, hops: int) -> nn.Sequential:
    """(B, T', dim) -> (B, T', hops): how much each frame matters, before the softmax."""
    return nn.Sequential(nn.Linear(dim, dim // 2), nn.Tanh(), nn.Linear(dim // 2, hops))


def attention(scores: Tensor, lengths: Tensor) -> Tensor:
    """Scores (B, T', hops), (B,) -> weights (B, T', hops) that sum to 1 over the frames of each utterance."""
    valid = valid_frames(lengths.clamp_min(1), scores.shape[1])
    return scores.float().masked_fill(~valid.unsqueeze(-1), -torch.inf).softmax(1)


def evenly(lengths: Tensor, frames: int) -> Tensor:
    """(B,) -> (B, T', 1): the same weight for every frame of an utterance, 0 beyond it."""
    return (valid_frames(lengths, frames) / lengths.clamp_min(1).unsqueeze(1)).unsqueeze(-1)


def weighted_mean(hidden: Tensor, weights: Tensor) -> Tensor:
    """(B, T', D), (B, T', 1) -> (B, D)."""
    return (weights * hidden).sum(1)


def mean_and_deviation(hidden: Tensor, weights: Tensor) -> Tensor:
    """(B, T', D), (B, T', 1) -> (B, 2·D)."""
    mean = weighted_mean(hidden, weights)
    variance = weighted_mean((hidden - mean.unsqueeze(1)).square(), weights)
    return torch.cat([mean, (variance + VARIANCE_FLOOR).sqrt()], dim=1)


def percentile(ordered: Tensor, lengths: Tensor, share: float) -> Tensor:
    """Values in ascending order over time (B, T', D), (B,) -> (B, D), interpolated between neighbours."""
    place = share * (lengths - 1).clamp_min(0)
    below = place.long()
    above = torch.minimum(below + 1, (lengths - 1).clamp_min(0))

    def at(index: Tensor) -> Tensor:
        return ordered.gather(1, index.view(-1, 1, 1).expand(-1, 1, ordered.shape[2])).squeeze(1)

    return at(below).lerp(at(above), (place - below).unsqueeze(1).to(ordered.dtype))
