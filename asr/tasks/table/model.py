"""A trained model of tables: the encoding of its columns, a classifier, and its labels."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
import yaml
from torch import nn

from asr.errors import UserError, one_line
from asr.runs.model_folder import CONFIG, FORMAT, WEIGHTS, load_weights
from asr.tasks.table.columns import Cells, Encoding
from asr.tasks.table.reading import Settings, read_answers
from asr.writing import whole_folder, write_json, write_whole

COLUMNS = "columns.json"


@dataclass(frozen=True)
class Prediction:
    """The most probable label of a row, and the probability of every label. id: 1001_IEO_NEU_XX#2, clip and line."""

    id: str
    label: str
    confidence: float
    probabilities: dict[str, float]


@dataclass
class TableModel:
    """What `asr.load` returns of a run of task=table: `asr.load(folder).predict("PATH/crema-d")`.

    classifier: of asr.model.classical, or network.py; settings: how its table was read.
    """

    encoding: Encoding
    classifier: nn.Module
    labels: Sequence[str]
    settings: Settings

    def probabilities(self, cells: Cells) -> np.ndarray:
        """Cells of N rows by column, as a table has them -> (N, L) probabilities of `labels`."""
        return self.probabilities_of(self.encoding.encode(cells))

    @torch.inference_mode()
    def probabilities_of(self, vectors: np.ndarray) -> np.ndarray:
        """(N, D) encoded rows -> (N, L)."""
        return self.classifier.eval()(torch.from_numpy(vectors)).float().softmax(-1).numpy()

    def labels_of(self, vectors: np.ndarray) -> list[str]:
        """(N, D) encoded rows -> their most probable labels."""
        return [self.labels[index] for index in self.probabilities_of(vectors).argmax(1)]

    def predict(self, source: str | Path, answers: str | None = None) -> list[Prediction]:
        """Label the rows of a table below CREMA-D's folder that can be used, in their order.

        answers: the table, None for the first that is there. Raises UserError where a file or a column is missing.
        """
        found = read_answers(Path(source), answers, self.settings)
        return [
            prediction(name, row, self.labels)
            for name, row in zip(found.ids, self.probabilities(found.cells), strict=True)
        ]

    def save(self, folder: Path, described: Mapping[str, Any]) -> None:
        """Write the model folder, whole or not at all; described: what builds the task again."""
        weights = {name: value.contiguous() for name, value in self.classifier.state_dict().items()}
        with whole_folder(folder) as made:
            write_whole(made / WEIGHTS, safetensors.torch.save(weights))
            write_whole(made / CONFIG, yaml.safe_dump({"format": FORMAT, "task": dict(described)}, sort_keys=False))
            write_json(made / COLUMNS, self.encoding.as_dict())

    @classmethod
    def load(cls, folder: Path, classifier: nn.Module, labels: Sequence[str], settings: Settings) -> "TableModel":
        """Read what `save` wrote; classifier: not yet fitted. Raises UserError naming a file that is damaged."""
        try:
            encoding = Encoding.of(json.loads((folder / COLUMNS).read_text("utf-8")))
        except (OSError, ValueError, RecursionError, UserError) as error:
            raise UserError(f"{folder / COLUMNS}: not readable ({one_line(error)}); copy the folder again") from error
        load_weights(classifier, folder / WEIGHTS)
        return cls(encoding, classifier, labels, settings)


def prediction(name: str, probabilities: np.ndarray, labels: Sequence[str]) -> Prediction:
    """Of a row (L,)."""
    by_label = {label: round(float(each), 4) for label, each in zip(labels, probabilities, strict=True)}
    label = labels[int(probabilities.argmax())]
    return Prediction(name, label, by_label[label], by_label)
