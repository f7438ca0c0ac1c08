"""What every task has to offer. The trainer, the tuner, the run folder and the report use nothing else of it.

A task says what is learnt of an utterance: its target, the head that predicts it, the loss, and how good predictions
are. `conf/task/NAME.yaml` names the class; a task is a folder below asr/tasks/ and that file, and nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from torch import Tensor, nn

if TYPE_CHECKING:  # asr.corpus draws what batches hold from a task
    from lhotse import CutSet
    from matplotlib.figure import Figure
    from rich.console import Console

    from asr.corpus.batches import Batch, SpeechDataset
    from asr.corpus.corpus import StreamedSplit
    from asr.corpus.utterance import Rejection, UtteranceFacts
    from asr.report.presentation import Presentation
    from asr.runs.folder import RunFolder
    from asr.runs.model_folder import TrainedModel


@dataclass(frozen=True, slots=True)
class Rate:
    """A number from 0 up that a task is judged by: its key in metrics.json, and how a person reads it."""

    name: str
    title: str
    higher_is_better: bool = False

    def cost(self, value: float) -> float:
        """The same number so that less is better, to sort by."""
        return -value if self.higher_is_better else value


class Unusable(Exception):
    """Why an utterance has no target, or one that cannot be learnt, as rejected.jsonl says it.

    of_frames: whether more frames of the encoder would help.
    """

    def __init__(self, reason: str, detail: str, remedy: str, of_frames: bool = False) -> None:
        super().__init__(reason, detail, remedy, of_frames)
        self.reason, self.detail, self.remedy, self.of_frames = reason, detail, remedy, of_frames


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
class SplitToMeasure:
    """A split that a model is to be measured on: its cuts, and how they are read.

    batch_seconds: of audio at once; workers: processes that read; seed: of the bootstrap; run: the training's folder,
    where there is one.
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


class Loss(Protocol):
    """A torch module; `views`: how often an utterance stands in a training batch, masked differently each time."""

    views: int

    def __call__(self, outputs: Tensor, lengths: Tensor, *target: Tensor) -> tuple[Tensor, Tensor]:
        """The loss, a number, and which utterances (B,) it left out."""


@runtime_checkable
class FittedAtOnce(Protocol):
    """A head with something that is fitted to all training utterances together, not step by step.

    trained_first: whether the network is trained before that, by the task's loss; else nothing else is learnt.
    """

    trained_first: bool

    def fit(self, batches: Iterable[tuple[Tensor, Tensor, tuple[Tensor, ...]]], seed: int) -> None:
        """Learn from (hidden (B, T', D), lengths (B,), target) of the training utterances."""


class Task(Protocol):
    """B utterances, T' frames of the encoder, D its width. Targets are texts: what metrics compare and people read."""

    @property
    def rates(self) -> Sequence[Rate]:
        """The rates it is judged by; the first is what the best model, early stopping, pruning and tuning go by."""

    @property
    def by_speaker(self) -> bool:
        """Whether splits and folds that are drawn keep speakers apart."""

    # a corpus
    def target_of(self, known: "UtteranceFacts") -> str:
        """The target of an utterance; raises Unusable where it has none."""

    @property
    def targets_are_transcripts(self) -> bool:
        """Whether targets are transcripts, so that checks of transcripts make sense."""

    def learn_from_targets(self, targets: Iterable[str], run: Path, utterances: int) -> None:
        """Learn from the training targets what can be predicted: tokens, labels. May write files into the run's folder.

        utterances: how many there are in training, of which the targets may be a sample.
        """

    def learn_from_audio(
        self, training: "CutSet | StreamedSplit", dataset: "SpeechDataset", batches: Iterable["Batch"], rate: int
    ) -> None:
        """Fit what is no part of the network to the training audio, such as a model of timing; `rate` in Hz."""

    def encode(self, targets: Sequence[str]) -> tuple[Tensor, ...]:
        """Targets as tensors, batch first."""

    def why_unlearnable(self, target: str, frames: int) -> Unusable | None:
        """Why a target cannot be learnt from so many frames of the encoder; None where it can."""

    def unpredictable_utterances(self, split: str, cuts: "CutSet") -> list["Rejection"]:
        """Held-out utterances that will be scored though they cannot be right, and why."""

    # a network
    def head(self, dim: int) -> nn.Module:
        """(hidden (B, T', dim), lengths (B,)) -> outputs."""

    @property
    def loss(self) -> "Loss":
        """The loss that training minimises."""

    def predict(self, outputs: Tensor, lengths: Tensor) -> list[str]:
        """A prediction for each utterance, as text."""

    def score(self, references: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
        """The rates, by name."""

    # a trained model
    def as_config(self) -> dict[str, Any]:
        """The plain values, as in conf/task/, that build this task again together with the files of `save`."""

    def save(self, folder: Path) -> None:
        """Write what was learnt into a model folder."""

    def load(self, folder: Path) -> None:
        """Read it again; UserError naming the file where it is damaged."""

    def change_settings(self, settings: Mapping[str, Any]) -> None:
        """Use other settings with a trained model; UserError for a setting that cannot be changed after training."""

    def interface(self, trained: "TrainedModel") -> Any:
        """The object that `asr.load` returns: the trained model with the methods of its task."""

    # numbers and pages
    @property
    def presentation(self) -> "Presentation":
        """How reports show it, and the paired test of two runs."""

    def measure(self, trained: "TrainedModel", held: SplitToMeasure, calibrate: bool = False) -> Measured:
        """Score a split: numbers with intervals, and every prediction; calibrate: learn first how sure they may be."""

    def clips(self, trained: "TrainedModel", held: SplitToMeasure, measured: Measured, room: int) -> Mapping[str, Any]:
        """Sound, picture and whatever lies over it, by utterance id, of as many as fit into `room` bytes of a page."""

    def show(self, metrics: Mapping[str, Any], errors: Mapping[str, Any] | None = None) -> None:
        """Print the scores of every split of metrics.json, and the most frequent errors of one where they are given."""

    def normalize(self, text: str) -> str:
        """A reference or prediction as it is compared."""

    def show_comparison(self, comparison: Mapping[str, Any]) -> None:
        """Print what comparison.json holds."""

    def examples(self, trained: "TrainedModel", batch: "Batch") -> tuple[list[tuple[str, str, str]], "Figure"]:
        """Id, reference and prediction of a batch's utterances, and a picture of the first, for TensorBoard."""

    def facts(self, utterances: int, frames: int) -> dict[str, str]:
        """What a training says of its output and loss before it starts, of a batch of such a size."""


@runtime_checkable
class TrainsByItself(Protocol):
    """What `task=` may name instead of a Task: something that learns from other things than recordings.

    It reads its data, trains and measures by means of its own; train.py only opens the run's folder for it.
    """

    @property
    def presentation(self) -> "Presentation":
        """How reports show it, and the paired test of two runs."""

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise UserError for a part of conf/train.yaml, composed, that it has no use for."""

    def train(self, values: Mapping[str, Any], run: "RunFolder", screen: "Console") -> dict[str, Any]:
        """Do all that train.py does, with conf/train.yaml composed; returns what metrics.json holds."""

    def load(self, folder: Path) -> Any:
        """What `asr.load` returns of a model folder; UserError naming the file where it is damaged."""
