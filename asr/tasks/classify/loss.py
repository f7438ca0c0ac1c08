"""Cross-entropy over utterances whose label is known; with a margin that the right label has to win by, or none."""

from collections.abc import Sequence
from math import cos, sin

import torch
from torch import Tensor, nn

UNKNOWN = -1  # index of a label that training does not have
NEAREST = 1e-4  # of a cosine to 1: the gradient of its angle is infinite there


class LabelLoss(nn.Module):
    """Cross-entropy; `weights`: of every label, in their order, None for all alike.

    `forward` takes logits (B, L), frames (B,) and label indices (B,), and returns the loss and which utterances it left
    out, (B,) bool: those whose label is UNKNOWN.
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
        return nn.functional.cross_entropy(outputs, labels, weights, ignore_index=UNKNOWN), left_out


class AdditiveMargin(nn.Module):
    """The cosine of the right label less `margin` (AM-softmax; Wang et al. 2018, "Additive margin softmax").

    `forward` takes cosines times `scale` (B, L), and label indices (B,), and returns logits (B, L).
    """

    def __init__(self, margin: float, scale: float) -> None:
        super().__init__()
        self.margin, self.scale = margin, scale

    def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return outputs - self.scale * self.margin * one_hot(outputs, labels)


class AngularMargin(nn.Module):
    """The angle to the right label plus `margin`, in radians (AAM-softmax; Deng et al. 2019, "ArcFace").

    Beyond an angle of π − margin, where the cosine would rise again, the cosine is lowered by margin · sin(margin).
    """

    def __init__(self, margin: float, scale: float) -> None:
        super().__init__()
        self.margin, self.scale = margin, scale

    def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
        cosine = (outputs / self.scale).clamp(-1 + NEAREST, 1 - NEAREST)
        sine = (1 - cosine.square()).sqrt()
        further = cosine * cos(self.margin) - sine * sin(self.margin)
        further = torch.where(cosine > -cos(self.margin), further, cosine - self.margin * sin(self.margin))
        return torch.where(one_hot(outputs, labels) > 0, self.scale * further, outputs)


class MarginLoss(nn.Module):
    """LabelLoss of logits that a margin made harder while the model trains; without it in validation."""

    views = 1

    def __init__(self, margin: AdditiveMargin | AngularMargin, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.margin, self.loss = margin, LabelLoss(weights)

    def forward(self, outputs: Tensor, lengths: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return self.loss(self.margin(outputs, labels) if self.training else outputs, lengths, labels)


MARGINS: dict[str, type[AdditiveMargin | AngularMargin]] = {"am": AdditiveMargin, "aam": AngularMargin}


def one_hot(outputs: Tensor, labels: Tensor) -> Tensor:
    """(B, L) with 1 at each utterance's label; nowhere, where it is UNKNOWN."""
    place = torch.arange(outputs.shape[1], device=outputs.device)
    return (place == labels.unsqueeze(1)).to(outputs.dtype)


def balancing_weights(counts: Sequence[int]) -> list[float]:
    """Weights with which every label counts alike, however many utterances have it; their mean over these is 1."""
    return [sum(counts) / (len(counts) * count) for count in counts]
