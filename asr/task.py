"""What a task promises. The trainer, the tuner, the run folder and the report know a task by this page alone.

A task says what is learnt of an utterance: its target, the head that predicts it, the loss, and how good predictions
are. `conf/task/NAME.yaml` names the class; a task is a folder below asr/tasks/ and that file, and nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor, nn

if TYPE_CHECKING:  # asr.corpus draws what batches hold from a task
    from lhotse import CutSet
    from matplotlib.figure import Figure
    from rich.console import Console

    from asr.corpus.batches import Batch, SpeechDataset
    from asr.corpus.corpus import Corpus, Streamed
    from asr.corpus.utterance import Known
    from asr.model.speech_model import SpeechModel


@dataclass(frozen=True, slots=True)
class Rate:
    """A number from 0 up that a task is judged by: its key in metrics.json, and how a person reads it."""

    name: str
    title: str
    higher_is_better: bool = False

    def cost(self, value: float) -> float:
        """The same number so that less is better, to sort by."""
        return -value if self.higher_is_better else value


@dataclass(frozen=True, slots=True)
class Unusable(Exception):  # noqa: N818 - told, not thrown at people
    """Why an utterance has no target, or one that cannot be learnt: a reason of rejected.jsonl, what was found, and the remedy."""

    reason: str
    detail: str
    remedy: str


@dataclass(frozen=True)
class Measured:
    """A split's part of metrics.json and of errors.json, its lines of hypotheses.jsonl, and what can be seen of them.

    Every line has id, split, reference, hypothesis, duration, speaker, about; `views` is whatever the task's
    presentation makes clips from, by utterance id.
    """

    metrics: dict[str, Any]
    lines: list[dict[str, Any]]
    errors: dict[str, Any] = field(default_factory=dict)
    views: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """Held-out speech to be measured on: the cuts of a split, and how they are read.

    batch_seconds: of audio at once; seed: of the bootstrap; run: the folder of the training, where there is one.
    """

    split: str
    cuts: "CutSet"
    dataset: "SpeechDataset"
    batch_seconds: float
    workers: int
    seed: int
    device: Any
    screen: "Console"
    run: Path | None = None


class Task(Protocol):
    """B utterances, T' frames of the encoder, D its width. Targets are texts: what metrics compare and people read."""

    @property
    def rates(self) -> Sequence[Rate]:
        """What it is judged by; the first is what the best model, early stopping, pruning and tuning go by."""

    @property
    def by_speaker(self) -> bool:
        """Whether splits and folds that are drawn keep speakers apart."""

    # a corpus
    def target_of(self, known: "Known") -> str:
        """The target of an utterance; raises Unusable where it has none."""

    def learn(self, targets: Iterable[str]) -> None:
        """Learn from the training targets what can be predicted: tokens, labels."""

    def study(self, training: "CutSet | Streamed", dataset: "SpeechDataset", batches: Iterable["Batch"], rate: int) -> None:
        """Learn from the training audio what stands beside the network, once; `rate` in Hz."""

    def encode(self, targets: Sequence[str]) -> tuple[Tensor, ...]:
        """Targets as tensors, batch first."""

    def unusable(self, target: str, frames: int | None) -> Unusable | None:
        """Why a target cannot be learnt from so many frames of the encoder (None: from any number)."""

    # a network
    def head(self, dim: int) -> nn.Module:
        """(hidden (B, T', dim), lengths (B,)) -> outputs."""

    @property
    def views(self) -> int:
        """How many times an utterance stands in a training batch, masked differently each time."""

    def loss(self, outputs: Tensor, lengths: Tensor, target: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """The loss, a number, and which utterances (B,) it left out."""

    def predict(self, outputs: Tensor, lengths: Tensor) -> list[str]:
        """A prediction for each utterance, as text."""

    def score(self, references: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
        """The rates, by name."""

    # a trained model
    def described(self) -> dict[str, Any]:
        """Plain values that conf/task/ could hold: what builds this task again, beside the files of `save`."""

    def save(self, folder: Path) -> None:
        """Write what was learnt into a model folder."""

    def load(self, folder: Path) -> None:
        """Read it again; UserError naming the file where it is damaged."""

    def opened(self, model: "SpeechModel", sample_rate: int) -> Any:
        """What people use: the trained model with the task's own ways to ask it."""

    # numbers and pages
    def calibrate(self, model: "SpeechModel", held: Held) -> None:
        """Learn from held-out speech how sure predictions are."""

    def measure(self, model: "SpeechModel", held: Held) -> Measured:
        """Score a split: numbers with intervals, and every prediction."""

    def examples(self, model: "SpeechModel", batch: "Batch") -> tuple[list[tuple[str, str, str]], "Figure"]:
        """Id, reference and prediction of a batch's utterances, and a picture of the first, for TensorBoard."""

    def facts(self) -> dict[str, str]:
        """What a training says of its output and loss before it starts."""
