"""Several labels of an utterance at once: a head and a loss for each, over one encoder.

Targets and predictions of the labels stand in one text, in the labels' order, with SEPARATOR between them.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from asr.corpus.utterance import UtteranceFacts
from asr.errors import UserError
from asr.runs.model_folder import TrainedModel
from asr.task import Measured, SplitToMeasure, Unusable
from asr.tasks.classify.classifier import SeveralClassifier
from asr.tasks.classify.several_presentation import SeveralPresentation
from asr.tasks.classify.several_scoring import SEPARATOR, columns_of, measure_several
from asr.tasks.classify.tables import print_several
from asr.tasks.classify.task import SPEAKER, Classify


@wraps(Classify, assigned=("__name__",), updated=())  # its settings are those of Classify
def classify(label: str | Sequence[str], **settings: Any) -> "Classify | ClassifySeveral":
    """What conf/task/classify.yaml names: `data.label=emotion` one label, `data.label=[emotion,gender]` several."""
    if isinstance(label, str):
        return Classify(label, **settings)
    names = [str(each) for each in label]
    if len(set(names)) < len(names) or not names:
        raise UserError(f"data.label=[{','.join(names)}]: every label once is wanted, and one at least")
    if len(names) == 1:
        return Classify(names[0], **settings)
    if settings.get("classifier") is not None:
        raise UserError(
            f"data.label=[{','.join(names)}]: such a model= learns one label; leave model= out, or train one for each"
        )
    return ClassifySeveral([{"label": name, **settings} for name in names])


class ClassifySeveral(Classify):
    """Classify for several labels; rates are means over the labels, and metrics.json has those of each beside them.

    parts: the arguments of the Classify of every label.
    """

    presentation = SeveralPresentation()

    def __init__(self, parts: Sequence[Mapping[str, Any]]) -> None:
        self.parts = [Classify(**{name: value for name, value in part.items() if name != "_target_"}) for part in parts]
        self.loss = self.sum_of_losses()

    def sum_of_losses(self) -> "SeveralLosses":
        """Of all parts, as they are now."""
        return SeveralLosses([part.loss for part in self.parts], [len(part.labels) for part in self.parts])

    @property
    def label(self) -> str:  # type: ignore[override]  # made of the parts
        return SEPARATOR.join(part.label for part in self.parts)

    @property
    def labels(self) -> list[str]:  # type: ignore[override]
        return [f"{part.label}: {label}" for part in self.parts for label in part.labels]

    @property
    def by_speaker(self) -> bool:
        return all(part.label != SPEAKER for part in self.parts)

    def target_of(self, known: UtteranceFacts) -> str:
        found = [part.target_of(known) for part in self.parts]
        for part, target in zip(self.parts, found, strict=True):
            if SEPARATOR in target:
                detail = f"its {part.label}, {target}, holds “{SEPARATOR}”, which keeps labels apart here"
                raise Unusable("target_unknown", detail, "call it otherwise in the source")
        return SEPARATOR.join(found)

    def learn_from_targets(self, targets: Iterable[str], run: Path, utterances: int) -> None:
        for part, of_part in zip(self.parts, columns_of(list(targets)), strict=True):
            part.learn_from_targets(of_part, run, utterances)
        self.loss = self.sum_of_losses()

    def encode(self, targets: Sequence[str]) -> tuple[Tensor, ...]:
        each = columns_of(targets) or [()] * len(self.parts)
        return tuple(part.encode(of_part)[0] for part, of_part in zip(self.parts, each, strict=True))

    def why_unlearnable(self, target: str, frames: int) -> Unusable | None:
        reasons = (part.why_unlearnable(one, frames) for part, one in self._each(target))
        return next((why for why in reasons if why is not None), None)

    def head(self, dim: int) -> nn.Module:
        """(B, T', dim) -> (B, ΣL) logits, label after label."""
        return SeveralHeads([part.head(dim) for part in self.parts])

    def predict(self, outputs: Tensor, lengths: Tensor) -> list[str]:
        each = outputs.split([len(part.labels) for part in self.parts], dim=1)
        found = [part.predict(one, lengths) for part, one in zip(self.parts, each, strict=True)]
        return [SEPARATOR.join(labels) for labels in zip(*found, strict=True)]

    def score(self, references: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
        pairs = zip(self.parts, columns_of(references), columns_of(predictions), strict=True)
        each = [part.score(spoken, found) for part, spoken, found in pairs]
        return {name: sum(scores[name] for scores in each) / len(each) for name in each[0]}

    def facts(self, utterances: int, frames: int) -> dict[str, str]:
        each = [part.facts(utterances, frames) for part in self.parts]
        return {
            "output": "; ".join(facts["output"] for facts in each),
            "loss": f"the sum of {len(each)}: {each[0]['loss']}",
        }

    def as_config(self) -> dict[str, Any]:
        return {
            "_target_": f"{type(self).__module__}.{type(self).__name__}",
            "parts": [part.as_config() for part in self.parts],
        }

    def load(self, folder: Path) -> None:
        for part in self.parts:
            part.load(folder)

    def interface(self, trained: TrainedModel) -> SeveralClassifier:  # type: ignore[override]  # it answers by label
        return SeveralClassifier(trained)

    def measure(self, trained: TrainedModel, held: SplitToMeasure, calibrate: bool = False) -> Measured:
        return measure_several(self.interface(trained), held, calibrate)

    def show(self, metrics: Mapping[str, Any], errors: Mapping[str, Any] | None = None) -> None:
        super().show(metrics, errors)
        print_several(metrics)

    def probabilities_of(self, logits: Tensor) -> Tensor:
        return torch.cat([one.softmax(-1) for one in logits.split([len(part.labels) for part in self.parts])])

    def _each(self, target: str) -> Iterable[tuple[Classify, str]]:
        return zip(self.parts, target.split(SEPARATOR), strict=True)


class SeveralHeads(nn.Module):
    """(B, T', D), (B,) -> (B, ΣL): the logits of every head, one after the other."""

    def __init__(self, heads: Sequence[nn.Module]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        return torch.cat([head(hidden, lengths) for head in self.heads], dim=1)

    def embed(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """(B, T', D), (B,) -> (B, ΣE)."""
        return torch.cat([head.embed(hidden, lengths) for head in self.heads], dim=1)  # type: ignore[operator]


class SeveralLosses(nn.Module):
    """The sum of the losses of the labels.

    `forward` takes logits (B, ΣL), frames (B,) and (B,) indices of every label, and returns the loss and which
    utterances all of them left out, (B,) bool.
    """

    views = 1

    def __init__(self, losses: Sequence[nn.Module], sizes: Sequence[int]) -> None:
        super().__init__()
        self.losses, self.sizes = nn.ModuleList(losses), list(sizes)

    def forward(self, outputs: Tensor, lengths: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        each = outputs.split(self.sizes, dim=1)
        found = [loss(one, lengths, of_one) for loss, one, of_one in zip(self.losses, each, labels, strict=True)]
        return torch.stack([loss for loss, _ in found]).sum(), torch.stack([left for _, left in found]).all(0)
