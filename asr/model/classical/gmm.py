"""A Gaussian mixture for every label, over the frames of its utterances (Reynolds & Rose 1995, for speakers)."""

from math import log, pi

import numpy as np
import torch
from torch import Tensor, nn

from asr.model.classical.arrays import declare_arrays, set_arrays
from asr.model.masking import valid_frames

VARIANCE_FLOOR = 1e-3  # of frames scaled to unit variance
FEWEST_A_COMPONENT = 10  # frames; a label with fewer gets fewer components


class GaussianMixtures(nn.Module):
    """(B, T, D), (B,) -> (B, L): the mean log-likelihood of an utterance's frames under each label's mixture.

    components: of each mixture, with diagonal covariances; frames: of each label at most, drawn, to learn from.
    """

    takes_frames = True
    precisions: Tensor
    scaled_means: Tensor
    constants: Tensor

    def __init__(self, components: int, frames: int) -> None:
        super().__init__()
        self.components, self.frames = components, frames
        declare_arrays(self, "precisions", "scaled_means", "constants")

    def fit(self, vectors: np.ndarray, labels: np.ndarray, balanced: bool, seed: int) -> None:
        """Fit each label's mixture to its own frames; labels are equally probable beforehand, `balanced` or not."""
        shape = labels.max() + 1, self.components, vectors.shape[1]
        precisions, means, constants = np.ones(shape), np.zeros(shape), np.full(shape[:2], -np.inf)
        for label in range(shape[0]):
            found = self._mixture(vectors[labels == label], seed)
            size = len(found.weights_)
            precisions[label, :size], means[label, :size] = 1 / found.covariances_, found.means_
            constants[label, :size] = np.log(found.weights_) - 0.5 * (
                shape[2] * log(2 * pi)
                + np.log(found.covariances_).sum(1)
                + (found.means_**2 / found.covariances_).sum(1)
            )
        set_arrays(self, precisions=precisions, scaled_means=means * precisions, constants=constants)

    def _mixture(self, frames: np.ndarray, seed: int):
        from sklearn.mixture import GaussianMixture  # here: a second to import

        if len(frames) > self.frames:
            frames = frames[np.random.default_rng(seed).choice(len(frames), self.frames, replace=False)]
        components = max(1, min(self.components, len(frames) // FEWEST_A_COMPONENT))
        if len(frames) == 1:  # a mixture wants two
            frames = np.repeat(frames, 2, axis=0)
        mixture = GaussianMixture(components, covariance_type="diag", reg_covar=VARIANCE_FLOOR, random_state=seed)
        return mixture.fit(frames.astype(np.float64))

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        frames = frames.double()
        labels, components, dim = self.precisions.shape
        squares = frames.square() @ self.precisions.view(-1, dim).T
        inner = frames @ self.scaled_means.view(-1, dim).T
        of_components = (inner - 0.5 * squares).view(*frames.shape[:2], labels, components) + self.constants
        valid = valid_frames(lengths, frames.shape[1]).unsqueeze(-1)
        total = of_components.logsumexp(-1).where(valid, 0.0).sum(1)
        return (total / lengths.clamp_min(1).unsqueeze(-1)).to(torch.float32)
