"""The labels of the nearest training utterances (Cover & Hart 1967)."""

import numpy as np
from torch import Tensor, nn

from asr.model.classical.arrays import class_weights, declare_arrays, set_arrays
from asr.model.classical.svm import squared_distances

DOUBT = 0.5  # votes shared among all labels: none is impossible because no neighbour has it


class NearestNeighbours(nn.Module):
    """(B, D) -> (B, L): logarithms of the shares of votes of the `neighbours` nearest by Euclidean distance."""

    takes_frames = False
    rows: Tensor
    votes: Tensor

    def __init__(self, neighbours: int) -> None:
        super().__init__()
        self.neighbours = neighbours
        declare_arrays(self, "rows", "votes")

    def fit(self, vectors: np.ndarray, labels: np.ndarray, balanced: bool, seed: int) -> None:
        """Keep all vectors; balanced: a vote of a rare label weighs more."""
        votes = np.zeros((len(labels), labels.max() + 1), np.float32)
        votes[np.arange(len(labels)), labels] = class_weights(labels, balanced)
        set_arrays(self, rows=vectors.astype(np.float32), votes=votes)

    def forward(self, vectors: Tensor) -> Tensor:
        distances = squared_distances(vectors, self.rows)
        nearest = distances.topk(min(self.neighbours, len(self.rows)), largest=False).indices  # (B, K)
        votes = self.votes[nearest].sum(1) + DOUBT / self.votes.shape[1]
        return (votes / votes.sum(1, keepdim=True)).log()
