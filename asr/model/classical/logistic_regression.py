"""Logistic regression over all labels at once, with L2 regularisation."""

import numpy as np
from torch import Tensor, nn

from asr.model.classical.arrays import class_weights, declare_arrays, set_arrays


class LogisticRegression(nn.Module):
    """(B, D) -> (B, L) logits; c: inverse strength of the regularisation."""

    takes_frames = False
    weight: Tensor
    bias: Tensor

    def __init__(self, c: float) -> None:
        super().__init__()
        self.c = c
        declare_arrays(self, "weight", "bias")

    def fit(self, vectors: np.ndarray, labels: np.ndarray, balanced: bool, seed: int) -> None:
        from sklearn.linear_model import LogisticRegression as Regression  # here: a second to import

        weights = class_weights(labels, balanced)
        found = Regression(C=self.c, max_iter=5000, random_state=seed).fit(vectors, labels, weights)
        weight, bias = found.coef_, found.intercept_
        if len(weight) == 1:  # two labels: one row stands for the difference between them
            weight, bias = np.concatenate([np.zeros_like(weight), weight]), np.array([0.0, bias[0]])
        set_arrays(self, weight=weight.astype(np.float32), bias=bias.astype(np.float32))

    def forward(self, vectors: Tensor) -> Tensor:
        return nn.functional.linear(vectors, self.weight, self.bias)
