"""Classification as a task: what is learnt of an utterance is one label."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from lhotse import CutSet
from matplotlib.figure import Figure
from torch import Tensor, nn

from asr.corpus.batches import Batch, SpeechDataset, evaluation_batches
from asr.corpus.corpus import StreamedSplit
from asr.corpus.utterance import Rejection, UtteranceFacts
from asr.errors import UserError
from asr.evaluation.classification import macro_f1, unweighted_average_recall
from asr.report.clips import choose_clips, sounds_and_pictures
from asr.report.labels import LabelPresentation
from asr.runs.model_folder import TrainedModel
from asr.screen import progress_bar
from asr.task import Measured, SplitToMeasure, Unusable
from asr.tasks.classify.classical_head import ClassicalHead
from asr.tasks.classify.classifier import Classifier
from asr.tasks.classify.head import LabelHead
from asr.tasks.classify.loss import MARGINS, UNKNOWN, LabelLoss, MarginLoss, balancing_weights
from asr.tasks.classify.pooling import POOLINGS
from asr.tasks.classify.scoring import measure
from asr.tasks.classify.tables import print_comparison, print_confusions, print_scores

SPEAKER = "speaker"
WEIGHTS = ("balanced", "none")
SECONDS_AT_ONCE = 120.0  # of audio in memory, for sounds and pictures


class Classify:
    """Labels as targets, their probabilities as output, cross-entropy as loss, judged by UAR, accuracy and macro-F1.

    label: the column of the corpus that holds them, or "speaker". pooling: of frames over time (pooling.py).
    class_weights: balanced (every label counts alike) or none. embedding: width of the vector between pooling and
    labels, None for the pooling's own. margin: none, am or aam (loss.py), with its size and the scale of its cosines.
    classifier: one of asr.model.classical, by its constructor and arguments, None for the network's own output;
    trained_first: whether it is given the embeddings of a trained network. labels, temperature, thresholds (least
    probabilities of which reports tell): what was learnt.
    """

    presentation = LabelPresentation()
    rates = presentation.rates
    targets_are_transcripts = False

    def __init__(
        self,
        label: str,
        pooling: str,
        class_weights: str,
        embedding: int | None = None,
        margin: str = "none",
        margin_size: float = 0.2,
        scale: float = 30.0,
        classifier: Mapping[str, Any] | None = None,
        trained_first: bool = False,
        labels: Sequence[str] = (),
        temperature: float = 1.0,
        thresholds: Sequence[float] = (),
    ) -> None:
        self.label, self.pooling, self.class_weights = str(label), pooling, class_weights
        self.embedding, self.margin, self.margin_size, self.scale = embedding, margin, margin_size, scale
        self.classifier, self.trained_first = classifier, trained_first
        check_choice("task.pooling", pooling, tuple(POOLINGS))
        check_choice("task.class_weights", class_weights, WEIGHTS)
        check_choice("task.margin", margin, ("none", *MARGINS))
        self.labels, self.temperature = [str(each) for each in labels], float(temperature)
        self.thresholds = [float(each) for each in thresholds]
        self.loss: nn.Module = self.loss_with(None)

    @property
    def by_speaker(self) -> bool:
        """Speakers themselves can be told only where they are in training too."""
        return self.label != SPEAKER

    # what is learnt before the network

    def target_of(self, known: UtteranceFacts) -> str:
        found = known.speaker if self.label == SPEAKER else known.about.get(self.label)
        if found not in (None, ""):
            return str(found)
        have = ", ".join(sorted([*known.about, *([SPEAKER] if known.speaker else [])])) or "nothing"
        detail = f"its {self.label} is not known; the source tells: {have}"
        raise Unusable("target_missing", detail, "choose another data.label, or add the column to the source")

    def learn_from_targets(self, targets: Iterable[str], run: Path, utterances: int) -> None:
        counts = Counter(targets)
        self.labels = sorted(counts)
        if len(self.labels) < 2:
            raise UserError(
                f"data.label={self.label}: every training utterance has the same ({', '.join(self.labels)}); choose "
                "another label"
            )
        balanced = self.class_weights == "balanced"
        self.loss = self.loss_with(balancing_weights([counts[label] for label in self.labels]) if balanced else None)

    def loss_with(self, weights: Sequence[float] | None) -> LabelLoss | MarginLoss:
        """The loss of this task with a weight for every label."""
        if self.margin == "none":
            return LabelLoss(weights)
        return MarginLoss(MARGINS[self.margin](self.margin_size, self.scale), weights)

    def learn_from_audio(
        self, training: CutSet | StreamedSplit, dataset: SpeechDataset, batches: Iterable[Batch], rate: int
    ) -> None:
        """Nothing stands beside the network."""

    def encode(self, targets: Sequence[str]) -> tuple[Tensor, ...]:
        place = {label: number for number, label in enumerate(self.labels)}
        return (torch.tensor([place.get(target, UNKNOWN) for target in targets]),)

    def why_unlearnable(self, target: str, frames: int) -> Unusable | None:
        if target in self.labels:
            return None
        return Unusable("target_unknown", f"no training utterance has the label {target}", "add such ones to train")

    def unpredictable_utterances(self, split: str, cuts: CutSet) -> list[Rejection]:
        """Utterances whose label training does not have."""
        found = []
        for cut in cuts:
            why = self.why_unlearnable(cut.supervisions[0].text, 1)
            if why is not None:
                source = cut.recording.sources[0].source
                found.append(Rejection(cut.id, source, split, why.reason, f"scored, but {why.detail}", why.remedy))
        return found

    # the network

    def head(self, dim: int) -> nn.Module:
        """(B, T', dim) -> (B, L) logits."""
        scale = None if self.margin == "none" else self.scale
        network = LabelHead(dim, len(self.labels), self.pooling, self.embedding, scale)
        if self.classifier is None:
            return network
        balanced = self.class_weights == "balanced"
        classifier = instantiate(self.classifier)
        return ClassicalHead(network, classifier, len(self.labels), self.trained_first, balanced)

    def predict(self, outputs: Tensor, lengths: Tensor) -> list[str]:
        return [self.labels[index] for index in outputs.argmax(-1).tolist()]

    def score(self, references: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
        right = sum(spoken == found for spoken, found in zip(references, predictions, strict=True))
        return {
            "uar": unweighted_average_recall(references, predictions),
            "accuracy": right / max(1, len(references)),
            "macro_f1": macro_f1(references, predictions),
        }

    def facts(self, utterances: int, frames: int) -> dict[str, str]:
        named = ", ".join(self.labels[:8]) + (" …" if len(self.labels) > 8 else "")
        size = len(self.labels)
        if self.classifier is not None:
            kind = str(self.classifier["_target_"]).rpartition(".")[2]
            given = "embeddings of the trained network" if self.trained_first else f"{self.pooling} over time"
            return {"output": f"{size} labels ({self.label}): {named}", "classifier": f"{kind}, of {given}"}
        return {
            "output": f"{self.label} logits (B, {size}), here ({utterances}, {size}): {named}",
            "loss": f"cross-entropy, class weights {self.class_weights}, margin {self.margin}; "
            f"pooling over time: {self.pooling}",
        }

    # the trained model

    def as_config(self) -> dict[str, Any]:
        return {
            "_target_": f"{type(self).__module__}.{type(self).__name__}",
            "label": self.label,
            "pooling": self.pooling,
            "class_weights": self.class_weights,
            "embedding": self.embedding,
            "margin": self.margin,
            "margin_size": self.margin_size,
            "scale": self.scale,
            "classifier": self.classifier,
            "trained_first": self.trained_first,
            "labels": self.labels,
            "temperature": self.temperature,
            "thresholds": self.thresholds,
        }

    def save(self, folder: Path) -> None:
        """All that was learnt stands in config.yaml."""

    def load(self, folder: Path) -> None:
        if not self.labels:
            raise UserError(f"{folder / 'config.yaml'}: no labels in it; copy the folder again")

    def change_settings(self, settings: Mapping[str, Any]) -> None:
        raise UserError(f"{', '.join(settings)}: a trained classifier has nothing of the kind to be changed")

    def interface(self, trained: TrainedModel) -> Classifier:
        return Classifier(trained)

    # numbers and pages

    def normalize(self, text: str) -> str:
        return text

    def measure(self, trained: TrainedModel, held: SplitToMeasure, calibrate: bool = False) -> Measured:
        return measure(self.interface(trained), held, calibrate)

    def clips(self, trained: TrainedModel, held: SplitToMeasure, measured: Measured, room: int) -> Mapping[str, Any]:
        worst = sorted(measured.lines, key=lambda line: (line["reference"] == line["hypothesis"], -line["confidence"]))
        chosen = set(choose_clips(worst, room))
        if not chosen:
            return {}
        cuts = held.cuts.filter(lambda cut: cut.id in chosen).to_eager()
        batches, found = evaluation_batches(cuts, held.dataset, SECONDS_AT_ONCE, 0), {}
        with progress_bar(held.screen, "report") as on_progress:
            for name, clip in sounds_and_pictures(trained.sample_rate, batches):
                found[name] = clip
                on_progress(len(found), len(chosen))
        return found

    def show(self, metrics: Mapping[str, Any], errors: Mapping[str, Any] | None = None) -> None:
        print_scores(metrics)
        if errors is not None:
            print_confusions(errors)

    def show_comparison(self, comparison: Mapping[str, Any]) -> None:
        print_comparison(comparison)

    def probabilities_of(self, logits: Tensor) -> Tensor:
        """Logits (L,) of an utterance as probabilities, before they are calibrated."""
        return logits.softmax(-1)

    @torch.inference_mode()
    def examples(self, trained: TrainedModel, batch: Batch) -> tuple[list[tuple[str, str, str]], Figure]:
        """Id, label and prediction of every utterance, and the probabilities of the first one's labels."""
        device = next(trained.model.parameters()).device
        outputs, lengths = trained.model(batch.waveform.to(device), batch.lengths.to(device))
        figure = Figure(figsize=(6, 0.4 * len(self.labels) + 1), layout="constrained")
        axes = figure.add_subplot(xlim=(0, 1), xlabel=f"probability; {batch.ids[0]} is {batch.texts[0]}")
        axes.barh(self.labels, self.probabilities_of(outputs[0]).cpu().numpy())
        return list(zip(batch.ids, batch.texts, self.predict(outputs, lengths), strict=True)), figure


def check_choice(key: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UserError(f"{key}={value}: {' or '.join(choices)} is wanted")
