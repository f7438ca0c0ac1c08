"""A split measured: every utterance once through the model, rates with intervals, and every prediction."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from asr.audio.noise import level_and_snr
from asr.corpus.batches import Batch, evaluation_batches
from asr.corpus.cuts import about
from asr.evaluation.classification import TOP
from asr.evaluation.coverage import thresholds_of
from asr.evaluation.label_lines import score_lines
from asr.evaluation.latency import median_latency_s
from asr.evaluation.projection import project
from asr.screen import progress_bar
from asr.task import Measured, SplitToMeasure
from asr.tasks.classify.classifier import Classifier, NamesLabels, labelled

TEMPERATURES = (0.05, 20.0)  # the lowest, the highest
MOST_ON_MAP = 20_000  # utterances: more embeddings fill the memory, and no page shows as many points


@dataclass
class Heard:
    """What one pass through a split has found, by utterance id: (L,) logits, (E,) embeddings, levels of the sound.

    audio_s, processing_s: seconds of audio, and how long the network took.
    """

    logits: dict[str, np.ndarray] = field(default_factory=dict)
    embeddings: dict[str, np.ndarray] = field(default_factory=dict)
    levels: dict[str, dict[str, float]] = field(default_factory=dict)
    audio_s: float = 0.0
    processing_s: float = 0.0


def listen(classifier: NamesLabels, held: SplitToMeasure, keep_embeddings: bool) -> Heard:
    """Every utterance of a split once through the model."""
    model = classifier.model.to(held.device)
    head: Any = model.head
    heard = Heard()
    batches = evaluation_batches(held.cuts, held.dataset, held.batch_seconds, held.workers)
    with progress_bar(held.screen, f"classifying {held.split}") as on_progress, torch.inference_mode():
        for batch in batches:
            batch.check_whole()
            begun = time.perf_counter()
            hidden, frames = model.hidden(batch.waveform.to(held.device), batch.lengths.to(held.device))
            logits = head(hidden, frames).cpu().numpy()
            heard.processing_s += time.perf_counter() - begun
            heard.audio_s += int(batch.lengths.sum()) / classifier.sample_rate
            heard.logits |= dict(zip(batch.ids, logits, strict=True))
            if keep_embeddings:
                embeddings = head.embed(hidden, frames).float().cpu().numpy()
                heard.embeddings |= dict(zip(batch.ids, embeddings, strict=True))
            for row, name in enumerate(batch.ids):
                samples = batch.waveform[row, : batch.lengths[row]].numpy()
                loudness_db, snr_db = level_and_snr(samples, classifier.sample_rate)
                heard.levels[name] = {"loudness_db": round(loudness_db, 1), "snr_db": round(snr_db, 1)}
            on_progress(len(heard.logits), len(held.cuts))
    return heard


def fit_temperature(logits: Sequence[np.ndarray], references: Sequence[int]) -> float:
    """The temperature that makes held-out labels most probable (Guo et al. 2017); 1.0 where there are none.

    logits: (L,) of each utterance; references: index of its label, below 0 where training does not have it.
    """
    known = [(row, label) for row, label in zip(logits, references, strict=True) if label >= 0]
    if not known:
        return 1.0
    rows, labels = torch.tensor(np.array([row for row, _ in known])), torch.tensor([label for _, label in known])

    def cost(log_temperature: float) -> float:
        return float(torch.nn.functional.cross_entropy(rows / np.exp(log_temperature), labels))

    low, high = map(np.log, TEMPERATURES)
    return round(float(np.exp(minimize_scalar(cost, bounds=(low, high), method="bounded").x)), 4)


def measure(classifier: Classifier, held: SplitToMeasure, calibrate: bool) -> Measured:
    """Score a split; calibrate: learn from it how sure the classifier may be, instead of a map of its embeddings."""
    task, cuts = classifier.task, list(held.cuts)
    heard = listen(classifier, held, not calibrate and len(cuts) <= MOST_ON_MAP)
    if calibrate:
        (labels,) = task.encode([cut.supervisions[0].text for cut in cuts])
        task.temperature = fit_temperature([heard.logits[cut.id] for cut in cuts], labels.tolist())
    lines = [line_of(cut, held.split, heard.logits[cut.id], task) | heard.levels[cut.id] for cut in cuts]
    if calibrate:
        task.thresholds = thresholds_of([line["confidence"] for line in lines])
    metrics, errors = score_lines(lines, held.seed, task.thresholds)
    if heard.embeddings:
        metrics |= add_map(lines, heard.embeddings, held.seed)
    metrics |= {
        "label": task.label,
    }
    return Measured(metrics | speed(classifier, held, heard), lines, errors)


def speed(classifier: NamesLabels, held: SplitToMeasure, heard: Heard) -> dict[str, Any]:
    """How fast the split was heard, and on what, for metrics.json."""
    latency_s = median_latency_s(held.cuts, held.dataset, lambda batch: seconds_for(classifier, batch, held.device))
    return {
        "real_time_factor": round(heard.processing_s / heard.audio_s, 5),
        "latency_s": round(latency_s, 4),
        "device": str(held.device),
        "threads": torch.get_num_threads(),
    }


def add_map(lines: Sequence[dict[str, Any]], embeddings: Mapping[str, np.ndarray], seed: int) -> dict[str, Any]:
    """Put into every line where its embedding lies in two dimensions; returns how, for metrics.json."""
    found = project(np.array([embeddings[line["id"]] for line in lines]), seed)
    if found is None:
        return {}
    for line, point in zip(lines, found.points.tolist(), strict=True):
        line["map"] = [round(value, 3) for value in point]
    return {"embedding_map": {"method": found.method, "dimensions": len(embeddings[lines[0]["id"]])}}


def line_of(cut: Any, split: str, logits: np.ndarray, task: Any) -> dict[str, Any]:
    """A line of hypotheses.jsonl."""
    return facts_of(cut, split) | answer(cut.supervisions[0].text, logits, task)


def facts_of(cut: Any, split: str) -> dict[str, Any]:
    """What a line of hypotheses.jsonl says of an utterance, whatever was answered."""
    supervision = cut.supervisions[0]
    return {
        "id": cut.id,
        "split": split,
        "duration": round(cut.duration, 3),
        # where no speaker is known, the corpus puts the utterance's own name
        "speaker": None if supervision.speaker == cut.id else supervision.speaker,
        "about": about(supervision),
    }


def answer(reference: str, logits: np.ndarray, task: Any) -> dict[str, Any]:
    """What a line of hypotheses.jsonl says of a label: what it is, and (L,) logits as probabilities."""
    probabilities = torch.tensor(logits).div(task.temperature).softmax(-1).tolist()
    by_label: Mapping[str, float] = labelled(probabilities, task.labels)
    label = task.labels[int(np.argmax(probabilities))]
    return {
        "reference": reference,
        "hypothesis": label,
        "confidence": by_label[label],
        "probabilities": by_label,
    } | ({"rank": rank_of(reference, logits, task.labels)} if len(task.labels) > TOP else {})


def rank_of(label: str, logits: np.ndarray, labels: Sequence[str]) -> int | None:
    """The place of a label, from 1, the most probable first; None where training did not have it."""
    if label not in labels:
        return None
    return 1 + int(np.flatnonzero(np.argsort(-logits, kind="stable") == labels.index(label))[0])


def seconds_for(classifier: NamesLabels, batch: Batch, device: Any) -> float:
    """How long the probabilities of a batch take."""
    begun = time.perf_counter()
    for probabilities in classifier.probabilities_of_each(batch.waveform.to(device), batch.lengths.to(device)).values():
        probabilities.cpu()
    return time.perf_counter() - begun
