"""The trained model as people use it: recordings in, labels with their probabilities out."""

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


class NamesLabels:
    """A trained model that names one label of a recording or several, each with its probability."""

    def __init__(self, trained: TrainedModel) -> None:
        self.trained, self.model, self.sample_rate = trained, trained.model.eval(), trained.sample_rate

    @property
    def task(self) -> Any:
        """What holds the labels."""
        return self.trained.task

    @property
    def parts(self) -> Sequence[Any]:
        """The Classify of every label that is named."""
        raise NotImplementedError

    @property
    def values(self) -> dict[str, list[str]]:
        """By the name of every label, such as emotion, the values that it can have."""
        return {part.label: list(part.labels) for part in self.parts}

    def classify_each(
        self, paths: Iterable[str | Path], least_probability: float | None = None
    ) -> list[dict[str, Classification]]:
        """Read recordings and name their labels, by the labels' names; UserError for the first that cannot be used.

        least_probability: of a label, from 0 to 1; below it the answer is "uncertain". None: never.
        """
        check_least_probability(least_probability)
        return [self._classifications(str(path), self._samples(Path(path)), least_probability) for path in paths]

    @torch.inference_mode()
    def probabilities_of_each(self, waveform: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """(B, S), (B,) samples -> (B, L) of every label, as sure as held-out speech allows."""
        logits, _ = self.model(waveform, lengths)
        each = logits.split([len(part.labels) for part in self.parts], dim=1)
        return {part.label: (one / part.temperature).softmax(-1) for part, one in zip(self.parts, each, strict=True)}

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

    def _classifications(
        self, path: str, samples: np.ndarray, least_probability: float | None
    ) -> dict[str, Classification]:
        found = {}
        for name, (values,) in self.probabilities_of_each(*padded([torch.from_numpy(samples)])).items():
            by_label = labelled(values.tolist(), self.values[name])
            label = max(by_label, key=lambda each: by_label[each])
            answer = UNCERTAIN if is_uncertain(by_label[label], least_probability) else label
            found[name] = Classification(path, answer, by_label[label], by_label)
        return found


class Classifier(NamesLabels):
    """A trained model that names one label: `asr.load(folder).classify(["a.wav"])`."""

    @property
    def parts(self) -> Sequence[Any]:
        return [self.task]

    def classify(self, paths: Iterable[str | Path], least_probability: float | None = None) -> list[Classification]:
        """`classify_each`, of the one label."""
        return [found[self.task.label] for found in self.classify_each(paths, least_probability)]

    def probabilities(self, waveform: Tensor, lengths: Tensor) -> Tensor:
        """(B, S), (B,) samples -> (B, L), of the one label."""
        return self.probabilities_of_each(waveform, lengths)[self.task.label]


class SeveralClassifier(NamesLabels):
    """A trained model that names several labels: `asr.load(folder).classify(["a.wav"])[0]["emotion"]`."""

    @property
    def parts(self) -> Sequence[Any]:
        return self.task.parts

    def classify(
        self, paths: Iterable[str | Path], least_probability: float | None = None
    ) -> list[dict[str, Classification]]:
        """`classify_each`."""
        return self.classify_each(paths, least_probability)


def padded(recordings: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Recordings (S,) of any lengths -> (B, S) with zeros behind the shorter ones, (B,) samples."""
    lengths = torch.tensor([len(samples) for samples in recordings])
    return torch.nn.utils.rnn.pad_sequence(list(recordings), batch_first=True), lengths


def labelled(probabilities: Sequence[float], labels: Sequence[str]) -> dict[str, float]:
    """Label -> its probability, in four digits."""
    return {label: round(value, 4) for label, value in zip(labels, probabilities, strict=True)}
