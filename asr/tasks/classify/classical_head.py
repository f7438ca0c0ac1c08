"""A head whose classifier is fitted at once, to all training utterances, instead of step by step.

Shapes: B utterances, T' frames, D the encoder's width, E the embedding's, L labels, N training utterances or frames.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from asr.errors import UserError
from asr.model.classical.arrays import declare_arrays, set_arrays
from asr.tasks.classify.head import LabelHead
from asr.tasks.classify.loss import UNKNOWN

LEAST_DEVIATION = 1e-6  # of a number that hardly differs between training utterances


class ClassicalHead(nn.Module):
    """(B, T', D), (B,) -> (B, L): a classical classifier of embeddings, or of frames, scaled as in training.

    network: gives the embeddings; with its own `project`, it is trained first and stands in until `fit`.
    classifier: of asr.model.classical; one that takes frames is given all of an untrained encoder's.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: LabelHead, classifier: Any, labels: int, trained_first: bool, balanced: bool) -> None:
        super().__init__()
        self.network, self.classifier = network, classifier
        self.labels, self.trained_first, self.balanced = labels, trained_first, balanced
        if not trained_first:
            if any(True for _ in network.embedding_parameters()):
                raise UserError(
                    "task.pooling and task.embedding have weights that nothing would train with this model; choose "
                    "task.pooling=statistics, mean or mean_deviation, and task.embedding=null"
                )
            del network.project
        self.by_frame = classifier.takes_frames and not trained_first
        declare_arrays(self, "mean", "deviation")

    def embed(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """(B, T', D), (B,) -> (B, E): what the classifier is given, before it is scaled."""
        return self.network.embed(hidden, lengths)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        if not len(self.mean):
            return self.network(hidden, lengths)
        with torch.autocast(hidden.device.type, enabled=False):
            if self.by_frame:
                return self.classifier(self._scaled(hidden.float()), lengths)
            vectors = self._scaled(self.embed(hidden.float(), lengths))
            if self.classifier.takes_frames:
                return self.classifier(vectors.unsqueeze(1), torch.ones_like(lengths))
            return self.classifier(vectors)

    @torch.no_grad()
    def fit(self, batches: Iterable[tuple[Tensor, Tensor, tuple[Tensor, ...]]], seed: int) -> None:
        """Fit scaling and classifier to (hidden (B, T', D), lengths (B,), (labels (B,),)) of training utterances."""
        vectors, labels = [], []
        for hidden, lengths, (of_batch,) in batches:
            known = of_batch != UNKNOWN
            hidden, lengths, of_batch = hidden[known].float(), lengths[known], of_batch[known]
            if self.by_frame:
                vectors += [frames[:count] for frames, count in zip(hidden, lengths.tolist(), strict=True)]
                of_batch = of_batch.repeat_interleave(lengths)
            else:
                vectors.append(self.embed(hidden, lengths))
            labels.append(of_batch)
        rows, of_rows = torch.cat(vectors).cpu().numpy(), torch.cat(labels).cpu().numpy()
        if len(np.unique(of_rows)) < self.labels:
            raise UserError("a label has no training utterance that could be read: mend them, or leave the label out")
        deviation = np.maximum(rows.std(0), LEAST_DEVIATION)
        set_arrays(self, mean=rows.mean(0), deviation=deviation)
        self.classifier.fit((rows - rows.mean(0)) / deviation, of_rows, self.balanced, seed)

    def _scaled(self, vectors: Tensor) -> Tensor:
        return (vectors - self.mean) / self.deviation
