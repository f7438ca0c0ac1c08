"""What a model finds in a recording, in a form that suits every task, and how a trained model is asked for it.

A further kind of model plugs in with one function below, from what `asr.load` returns to an Analyser.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from asr.errors import UserError


@dataclass(frozen=True)
class Choice:
    """A label that is possible, and its probability from 0 to 1."""

    label: str
    probability: float


@dataclass(frozen=True)
class Part:
    """Something that lasts from `start` to `end` (s): a word, a speaker's turn; how sure, from 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Finding:
    """The answer to what was asked (`about`: text, emotion …): its value, how sure from 0 to 1, and what it rests on.

    choices: every label, the most probable first; parts: what lies over time. Either may be empty. confidence: None
    where there is nothing to be sure of. model: which one found it.
    """

    about: str
    value: str
    confidence: float | None
    choices: list[Choice] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    model: str = ""


class Analyser(Protocol):
    """All that the server asks of a model."""

    about: str
    sample_rate: int

    def analyse(self, samples: np.ndarray) -> list[Finding]:
        """What it finds in samples (S,) float32 at its own rate."""


@runtime_checkable
class WritesText(Protocol):
    """What turns speech into texts with words."""

    sample_rate: int

    def transcribe_samples(self, recordings: Sequence[np.ndarray]) -> Sequence[Any]: ...


@runtime_checkable
class GivesProbabilities(Protocol):
    """What gives a probability to every value of the labels that it names."""

    sample_rate: int

    @property
    def values(self) -> Mapping[str, Sequence[str]]: ...

    def probabilities_of_each(self, waveform: torch.Tensor, lengths: torch.Tensor) -> Mapping[str, torch.Tensor]: ...


class TextAnalyser:
    """What is said, with its words; as sure as its words are on average."""

    about = "text"

    def __init__(self, recognizer: WritesText) -> None:
        self.recognizer, self.sample_rate = recognizer, recognizer.sample_rate

    def analyse(self, samples: np.ndarray) -> list[Finding]:
        (found,) = self.recognizer.transcribe_samples([samples])
        parts = [Part(word.text, word.start, word.end, word.confidence) for word in found.words]
        sure = float(np.mean([part.confidence for part in parts])) if parts else None
        return [Finding(self.about, found.text, sure, parts=parts)]


class LabelAnalyser:
    """Of every label the most probable value, and all the others."""

    def __init__(self, classifier: GivesProbabilities) -> None:
        self.classifier, self.sample_rate = classifier, classifier.sample_rate
        self.about = ", ".join(classifier.values)
        self.labels: Sequence[str] = list(chain(*classifier.values.values()))

    def analyse(self, samples: np.ndarray) -> list[Finding]:
        waveform, findings = torch.from_numpy(np.ascontiguousarray(samples)).unsqueeze(0), []
        each = self.classifier.probabilities_of_each(waveform, torch.tensor([len(samples)]))
        for name, (found,) in each.items():
            pairs = zip(self.classifier.values[name], found.tolist(), strict=True)
            choices = [Choice(label, round(value, 4)) for label, value in pairs]
            choices.sort(key=lambda choice: -choice.probability)
            findings.append(Finding(name, choices[0].label, choices[0].probability, choices))
        return findings


def text_analyser(loaded: object) -> Analyser | None:
    return TextAnalyser(loaded) if isinstance(loaded, WritesText) else None


def label_analyser(loaded: object) -> Analyser | None:
    return LabelAnalyser(loaded) if isinstance(loaded, GivesProbabilities) else None


KINDS: tuple[Callable[[object], Analyser | None], ...] = (text_analyser, label_analyser)


def analyser_of(loaded: object, folder: object) -> Analyser:
    """How what `asr.load` returned is asked; UserError naming its folder where it is of a kind that cannot be shown."""
    for kind in KINDS:
        if (found := kind(loaded)) is not None:
            return found
    raise UserError(
        f"{folder}: a {type(loaded).__name__} gives neither text nor labels of a recording; give a model that does"
    )
