"""A split measured: every utterance once through the model, rates with intervals, and every prediction."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from asr.audio.noise import level_and_snr
from asr.corpus.batches import Batch, evaluation_batches
from asr.corpus.cuts import about
from asr.evaluation.breakdown import UtteranceRates, breakdown
from asr.evaluation.calibration import calibration
from asr.evaluation.classification import score_labels
from asr.evaluation.latency import median_latency_s
from asr.screen import progress_bar
from asr.task import Measured, SplitToMeasure
from asr.tasks.classify.classifier import Classifier, labelled

TEMPERATURES = (0.05, 20.0)  # the lowest, the highest
LISTED = 100  # confusions in errors.json


def logits_of(
    classifier: Classifier, held: SplitToMeasure
) -> tuple[dict[str, np.ndarray], dict[str, dict], float, float]:
    """By utterance id the (L,) logits and the level of the sound; seconds of audio and of processing."""
    classifier.model.to(held.device)
    found: dict[str, np.ndarray] = {}
    levels: dict[str, dict] = {}
    audio_s = processing_s = 0.0
    batches = evaluation_batches(held.cuts, held.dataset, held.batch_seconds, held.workers)
    with progress_bar(held.screen, f"classifying {held.split}") as on_progress, torch.inference_mode():
        for batch in batches:
            batch.check_whole()
            begun = time.perf_counter()
            outputs, _ = classifier.model(batch.waveform.to(held.device), batch.lengths.to(held.device))
            rows = outputs.cpu().numpy()
            processing_s += time.perf_counter() - begun
            audio_s += int(batch.lengths.sum()) / classifier.sample_rate
            for row, name in enumerate(batch.ids):
                found[name] = rows[row]
                samples = batch.waveform[row, : batch.lengths[row]].numpy()
                loudness_db, snr_db = level_and_snr(samples, classifier.sample_rate)
                levels[name] = {"loudness_db": round(loudness_db, 1), "snr_db": round(snr_db, 1)}
            on_progress(len(found), len(held.cuts))
    return found, levels, audio_s, processing_s


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
    """Score a split; calibrate: first learn from it how sure the classifier may be."""
    task = classifier.task
    logits, levels, audio_s, processing_s = logits_of(classifier, held)
    cuts = list(held.cuts)
    if calibrate:
        (labels,) = task.encode([cut.supervisions[0].text for cut in cuts])
        task.temperature = fit_temperature([logits[cut.id] for cut in cuts], labels.tolist())
    lines = [line_of(cut, held.split, logits[cut.id], task) | levels[cut.id] for cut in cuts]
    metrics, errors = score_lines(lines, held.seed)
    metrics |= {
        "label": task.label,
        "real_time_factor": round(processing_s / audio_s, 5),
        "latency_s": round(
            median_latency_s(held.cuts, held.dataset, lambda batch: seconds_for(classifier, batch, held.device)), 4
        ),
        "device": str(held.device),
        "threads": torch.get_num_threads(),
    }
    return Measured(metrics, lines, errors)


def score_lines(lines: Sequence[Mapping[str, Any]], seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What metrics.json and errors.json hold of lines of hypotheses.jsonl, of one model or of several folds'."""
    keys = "reference", "hypothesis", "speaker"
    references, predictions, speakers = ([line[key] for line in lines] for key in keys)
    pairs = list(zip(references, predictions, strict=True))
    right = np.array([spoken == found for spoken, found in pairs])
    rates = UtteranceRates("accuracy", "utterances", (~right).astype(float), np.ones(len(lines)), of_right=True)
    groups = breakdown(lines, rates, seed)
    repeated = {name for name in groups if all(line["about"].get(name) == line["reference"] for line in lines)}
    metrics = score_labels(references, predictions, speakers, seed).as_dict() | {
        "breakdown": {name: cells for name, cells in groups.items() if name not in repeated},
        "calibration": calibration(np.array([line["confidence"] for line in lines]), right, "utterances"),
    }
    wrong = Counter((spoken, found) for spoken, found in pairs if spoken != found)
    confusions = [{"reference": a, "hypothesis": b, "count": count} for (a, b), count in wrong.most_common(LISTED)]
    return metrics, {"labels": {"substitutions": confusions}}


def line_of(cut: Any, split: str, logits: np.ndarray, task: Any) -> dict[str, Any]:
    """A line of hypotheses.jsonl."""
    supervision = cut.supervisions[0]
    probabilities = torch.tensor(logits).div(task.temperature).softmax(-1).tolist()
    by_label: Mapping[str, float] = labelled(probabilities, task.labels)
    label = task.labels[int(np.argmax(probabilities))]
    return {
        "id": cut.id,
        "split": split,
        "reference": supervision.text,
        "hypothesis": label,
        "duration": round(cut.duration, 3),
        # where no speaker is known, the corpus puts the utterance's own name
        "speaker": None if supervision.speaker == cut.id else supervision.speaker,
        "about": about(supervision),
        "confidence": by_label[label],
        "probabilities": by_label,
    }


def seconds_for(classifier: Classifier, batch: Batch, device: Any) -> float:
    """How long the probabilities of a batch take."""
    begun = time.perf_counter()
    classifier.probabilities(batch.waveform.to(device), batch.lengths.to(device)).cpu()
    return time.perf_counter() - begun
