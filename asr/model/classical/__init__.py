"""Classical classifiers, one file each: scikit-learn or XGBoost fits them, arrays are what is kept, torch computes.

    fit(vectors (N, D), labels (N,), balanced, seed)    balanced: every label counts alike, however rare
    (vectors (B, D)) -> (B, L) logits, whose softmax are the probabilities

`FrameClassifier`s take all frames of an utterance instead: (frames (B, T, D), lengths (B,)).
"""

from typing import Protocol

import numpy as np
from torch import Tensor


class VectorClassifier(Protocol):
    """What a head asks of a classifier of one vector an utterance."""

    takes_frames: bool

    def fit(self, vectors: np.ndarray, labels: np.ndarray, balanced: bool, seed: int) -> None: ...

    def __call__(self, vectors: Tensor) -> Tensor: ...


class FrameClassifier(Protocol):
    """What a head asks of a classifier of all frames; `fit` takes frames (N, D), each with its utterance's label."""

    takes_frames: bool

    def fit(self, vectors: np.ndarray, labels: np.ndarray, balanced: bool, seed: int) -> None: ...

    def __call__(self, frames: Tensor, lengths: Tensor) -> Tensor: ...
