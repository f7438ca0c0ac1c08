"""Dropout (Srivastava et al. 2014) whose random mask does not cost more than the layer it follows."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """As torch.nn.Dropout, with the share rounded to 1/256 on CPUs.

    A CPU draws random numbers one after another, and a third of a Transformer's training step went there. Eight
    bytes of every 64-bit number serve eight elements here.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.threshold = round(256 * share)  # of a random byte, below which an element is dropped

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.threshold:
            return x
        if x.device.type != "cpu":
            return nn.functional.dropout(x, self.share)
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= self.threshold
        return x * kept.to(x.dtype).mul_(256 / (256 - self.threshold))

    def extra_repr(self) -> str:
        return f"share={self.share}"
