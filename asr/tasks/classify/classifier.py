"""The trained model as people use it: recordings in, a label with its probability out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from asr.audio.recording import AudioProblem, load_audio
from asr.errors import UserError
from asr.evaluation.coverage import UNCERTAIN, check_least_probability, is_uncertain
from asr.runs.model_folder import TrainedModel


@dataclass(frozen=True)
class Classification:
    """The most probable label of a recording, with its probability, and the probability of every label.

    label: "uncertain" where the most probable one is less probable than was demanded.
    """

    path: str
    label: str
    confidence: float
    probabilities: dict[str, float]


class Classifier:
    """A trained model that predicts labels: `asr.load(folder).classify(["a.wav"])`."""

    def __init__(self, trained: TrainedModel) -> None:
        self.trained, self.model, self.sample_rate = trained, trained.model.eval(), trained.sample_rate

    @property
    def task(self) -> Any:
        """The Classify that holds the labels."""
        return self.trained.task

    def classify(self, paths: Iterable[str | Path], least_probability: float | None = None) -> list[Classification]:
        """Read recordings and label them, in their order; UserError for the first that cannot be used.

        least_probability: of a label, from 0 to 1; below it the answer is "uncertain". None: never.
        """
        check_least_probability(least_probability)
        return [self._classification(str(path), self._samples(Path(path)), least_probability) for path in paths]

    @torch.inference_mode()
    def probabilities(self, waveform: Tensor, lengths: Tensor) -> Tensor:
        """(B, S), (B,) samples -> (B, L), as sure as they may be by what was learnt of held-out speech."""
        logits, _ = self.model(waveform, lengths)
        return (logits / self.task.temperature).softmax(-1)

    def embed(self, paths: Iterable[str | Path]) -> np.ndarray:
        """Recordings as embeddings (N, E), in their order: what the network knows of them before it names a label.

        Raises UserError for the first recording that cannot be used.
        """
        alone = ([torch.from_numpy(self._samples(Path(path)))] for path in paths)
        return np.concatenate([self.embeddings(*padded(samples)).numpy() for samples in alone])

    @torch.inference_mode()
    def embeddings(self, waveform: Tensor, lengths: Tensor) -> Tensor:
        """(B, S), (B,) samples -> (B, E) in 32 bits."""
        hidden, lengths = self.model.hidden(waveform, lengths)
        head: Any = self.model.head
        return head.embed(hidden, lengths).float()

    def _samples(self, path: Path) -> np.ndarray:
        try:
            return load_audio(path, sample_rate=self.sample_rate).samples
        except AudioProblem as problem:
            raise UserError(f"{path}: {problem.detail}; {problem.remedy}") from problem

    def _classification(self, path: str, samples: np.ndarray, least_probability: float | None) -> Classification:
        (found,) = self.probabilities(*padded([torch.from_numpy(samples)]))
        by_label = labelled(found.tolist(), self.task.labels)
        label = max(by_label, key=lambda name: by_label[name])
        answer = UNCERTAIN if is_uncertain(by_label[label], least_probability) else label
        return Classification(path, answer, by_label[label], by_label)


def padded(recordings: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Recordings (S,) of any lengths -> (B, S) with zeros behind the shorter ones, (B,) samples."""
    lengths = torch.tensor([len(samples) for samples in recordings])
    return torch.nn.utils.rnn.pad_sequence(list(recordings), batch_first=True), lengths


def labelled(probabilities: Sequence[float], labels: Sequence[str]) -> dict[str, float]:
    """Label -> its probability, in four digits."""
    return {label: round(value, 4) for label, value in zip(labels, probabilities, strict=True)}
