"""From encoder frames to token log-probabilities."""

from torch import Tensor, nn


class CTCHead(nn.Module):
    """(B, T', D) -> (B, T', V) log-probabilities in 32 bits, blank at index 0."""

    def __init__(self, dim: int, vocabulary: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim, vocabulary)

    def forward(self, hidden: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.project(hidden).float().log_softmax(-1)
