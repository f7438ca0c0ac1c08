"""Small networks of a table's rows, fitted as the classical classifiers are (asr.model.classical) and kept as arrays.

Shapes: B or N rows, D numbers a row, L labels.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from asr.model.classical.arrays import class_weights, declare_arrays, set_arrays

LEAST_VARIANCE = 1e-3  # of the errors that a network makes in training

RowLoss = Callable[[Tensor, Tensor], Tensor]  # outputs (B, O), targets (B,) -> (B,)


class Layers(nn.Module):
    """(B, D) -> (B, O): linear layers with ReLU between them. They are trained with dropout, by Adam.

    widths: of the hidden layers; epochs: passes over the rows; rate: Adam's; batch: rows in a step.
    """

    def __init__(self, widths: list[int], dropout: float, epochs: int, rate: float, batch: int) -> None:
        super().__init__()
        self.widths, self.dropout, self.epochs, self.rate, self.batch = widths, dropout, epochs, rate, batch
        self.count = len(widths) + 1
        declare_arrays(self, *(f"{name}{number}" for number in range(self.count) for name in ("weight", "bias")))

    def fit(
        self, vectors: np.ndarray, targets: np.ndarray, weights: np.ndarray, outputs: int, loss: RowLoss, seed: int
    ) -> None:
        """Minimise the weighted mean of `loss` over vectors (N, D) with targets (N,) and weights (N,)."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # steps are so small that threads wait for one another
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                rows = torch.from_numpy(vectors), torch.from_numpy(targets), torch.from_numpy(weights)
                linear = self._train(*rows, outputs, loss)
        finally:
            torch.set_num_threads(threads)
        for number, layer in enumerate(linear):
            arrays = {f"weight{number}": layer.weight, f"bias{number}": layer.bias}
            set_arrays(self, **{name: values.detach().numpy() for name, values in arrays.items()})

    def _train(self, vectors: Tensor, targets: Tensor, weights: Tensor, outputs: int, loss: RowLoss) -> list[nn.Linear]:
        linear = [nn.Linear(*sizes) for sizes in pairwise([vectors.shape[1], *self.widths, outputs])]
        hidden = [part for layer in linear[:-1] for part in (layer, nn.ReLU(), nn.Dropout(self.dropout))]
        network = nn.Sequential(*hidden, linear[-1])
        optimizer = torch.optim.Adam(network.parameters(), self.rate)
        for _ in range(self.epochs):
            for rows in torch.randperm(len(vectors)).split(self.batch):
                optimizer.zero_grad()
                (loss(network(vectors[rows]), targets[rows]) * weights[rows]).mean().backward()
                optimizer.step()
        return linear

    def forward(self, vectors: Tensor) -> Tensor:
        for number in range(self.count):
            weight, bias = getattr(self, f"weight{number}"), getattr(self, f"bias{number}")
            vectors = nn.functional.linear(vectors if number == 0 else vectors.relu(), weight, bias)
        return vectors


class NumberNetwork(nn.Module):
    """(B, D) -> (B, L): labels as the numbers 0, 1, … of one output that is learnt by mean squared error.

    The scores are the logarithms of normal densities around the output: the greatest is that of the nearest number.
    """

    takes_frames = False
    numbers: Tensor
    variance: Tensor

    def __init__(self, widths: list[int], dropout: float, epochs: int, rate: float, batch: int) -> None:
        super().__init__()
        self.layers = Layers(widths, dropout, epochs, rate, batch)
        declare_arrays(self, "numbers", "variance")

    def fit(self, vectors: np.ndarray, labels: np.ndarray, balanced: bool, seed: int) -> None:
        numbers, weights = np.arange(labels.max() + 1, dtype=np.float32), class_weights(labels, balanced)
        targets, weights = labels.astype(np.float32), weights.astype(np.float32)
        self.layers.fit(vectors, targets, weights, 1, lambda found, wanted: (found[:, 0] - wanted).square(), seed)
        errors = self.layers(torch.from_numpy(vectors))[:, 0].numpy() - targets
        set_arrays(self, numbers=numbers, variance=np.array(max(LEAST_VARIANCE, np.mean(errors**2)), np.float32))

    def forward(self, vectors: Tensor) -> Tensor:
        return -(self.layers(vectors) - self.numbers).square() / (2 * self.variance)


class LabelNetwork(nn.Module):
    """(B, D) -> (B, L) logits, learnt by cross-entropy."""

    takes_frames = False

    def __init__(self, widths: list[int], dropout: float, epochs: int, rate: float, batch: int) -> None:
        super().__init__()
        self.layers = Layers(widths, dropout, epochs, rate, batch)

    def fit(self, vectors: np.ndarray, labels: np.ndarray, balanced: bool, seed: int) -> None:
        def loss(found: Tensor, wanted: Tensor) -> Tensor:
            return nn.functional.cross_entropy(found, wanted, reduction="none")

        weights = class_weights(labels, balanced).astype(np.float32)
        self.layers.fit(vectors, labels.astype(np.int64), weights, int(labels.max()) + 1, loss, seed)

    def forward(self, vectors: Tensor) -> Tensor:
        return self.layers(vectors)
