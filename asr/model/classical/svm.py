"""Support vector machines with a radial basis function, each label against the rest (Cortes & Vapnik 1995)."""

import numpy as np
import torch
from torch import Tensor, nn

from asr.model.classical.arrays import declare_arrays, set_arrays


class SVM(nn.Module):
    """(B, D) -> (B, L) margins; c: how much an error costs; gamma: of exp(−gamma · distance²), None for 1 / D."""

    takes_frames = False
    rows: Tensor
    weight: Tensor
    bias: Tensor
    width: Tensor

    def __init__(self, c: float, gamma: float | None) -> None:
        super().__init__()
        self.c, self.gamma = c, gamma
        declare_arrays(self, "rows", "weight", "bias", "width")

    def fit(self, vectors: np.ndarray, labels: np.ndarray, balanced: bool, seed: int) -> None:
        from sklearn.svm import SVC

        gamma = 1 / vectors.shape[1] if self.gamma is None else self.gamma
        weight, bias = np.zeros((labels.max() + 1, len(vectors))), np.zeros(labels.max() + 1)
        for label in range(len(weight)):
            machine = SVC(C=self.c, gamma=gamma, class_weight="balanced" if balanced else None, cache_size=500)
            machine.fit(vectors, labels == label)
            weight[label, machine.support_], bias[label] = machine.dual_coef_[0], machine.intercept_[0]
        used = np.flatnonzero(np.any(weight != 0, axis=0))  # the support vectors of any label
        set_arrays(
            self,
            rows=vectors[used].astype(np.float32),
            weight=weight[:, used].astype(np.float32),
            bias=bias.astype(np.float32),
            width=np.array(gamma, np.float32),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        near = torch.exp(-self.width * squared_distances(vectors, self.rows))
        return nn.functional.linear(near, self.weight, self.bias)


def squared_distances(vectors: Tensor, rows: Tensor) -> Tensor:
    """(B, D), (M, D) -> (B, M): exact, a row at a time the same whatever else is in the batch."""
    return torch.cdist(vectors, rows, compute_mode="donot_use_mm_for_euclid_dist").square()
