"""Which frames are real: everything that keeps padding from leaking."""

import torch
from torch import Tensor


def valid_frames(lengths: Tensor, frames: int) -> Tensor:
    """(B,) lengths -> (B, T) bool, True within the utterance."""
    return torch.arange(frames, device=lengths.device) < lengths.unsqueeze(1)


def zero_padding(x: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, …) with everything at and beyond each length set to zero; NaN and inf there too."""
    valid = valid_frames(lengths, x.shape[1])
    return x.where(valid.view(*valid.shape, *[1] * (x.dim() - 2)), 0.0)


def reverse_frames(x: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, D) with the frames within each length in reverse order; padding stays where it is."""
    index = torch.arange(x.shape[1], device=x.device).expand(x.shape[0], -1)
    index = torch.where(index < lengths.unsqueeze(1), lengths.unsqueeze(1) - 1 - index, index)
    return x.gather(1, index.unsqueeze(-1).expand_as(x))
