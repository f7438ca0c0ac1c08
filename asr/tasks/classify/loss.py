"""Cross-entropy over the utterances whose label is known."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

UNKNOWN = -1  # index of a label that training does not have


class LabelLoss(nn.Module):
    """Cross-entropy; `weights`: of every label, in their order, None for all alike.

    `forward` takes log-probabilities (B, L), frames (B,) and label indices (B,), and returns the loss and which
    utterances it left out, (B,) bool: those whose label is UNKNOWN.
    """

    views = 1

    def __init__(self, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.weights = None if weights is None else torch.tensor(weights)

    def forward(self, outputs: Tensor, lengths: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        left_out = labels == UNKNOWN
        if left_out.all():
            return outputs.sum() * 0.0, left_out
        weights = None if self.weights is None else self.weights.to(outputs.device)
        return nn.functional.nll_loss(outputs, labels, weights, ignore_index=UNKNOWN), left_out


def balancing_weights(counts: Sequence[int]) -> list[float]:
    """Weights with which every label counts alike, however many utterances have it; their mean over these is 1."""
    return [sum(counts) / (len(counts) * count) for count in counts]
