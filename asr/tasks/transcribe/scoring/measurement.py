"""A split measured: its score, for whom and in what it errs, how fast, and every hypothesis."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from lhotse import CutSet
from rich.console import Console

from asr.corpus.batches import SpeechDataset, evaluation_batches
from asr.screen import counting
from asr.tasks.transcribe.recognizer import Recognizer
from asr.tasks.transcribe.scoring.breakdown import breakdown, rare_words
from asr.tasks.transcribe.scoring.calibration import calibration, fit_confidence
from asr.tasks.transcribe.scoring.confusions import align_characters, align_words, count_confusions
from asr.tasks.transcribe.scoring.hypotheses import Heard, latency_s, score_set, transcribe_set


@dataclass(frozen=True)
class Measured:
    """A split's part of metrics.json and of errors.json, and its lines of hypotheses.jsonl."""

    metrics: dict[str, Any]
    errors: dict[str, Any]
    lines: list[dict[str, Any]]


def hear_split(
    recognizer: Recognizer,
    cuts: CutSet,
    dataset: SpeechDataset,
    batch_seconds: float,
    split: str,
    screen: Console,
    device: torch.device | str = "cpu",
    workers: int = 0,
) -> Heard:
    """Transcribe a split, with progress."""
    batches = evaluation_batches(cuts, dataset, batch_seconds, workers)
    with counting(screen, f"transcribing {split}") as on_progress:
        return transcribe_set(recognizer, batches, device, lambda done: on_progress(done, len(cuts)))


def measure_split(
    recognizer: Recognizer,
    cuts: CutSet,
    dataset: SpeechDataset,
    heard: Heard,
    split: str,
    seed: int,
    trained_on: Mapping[str, int] | None = None,
    device: torch.device | str = "cpu",
) -> Measured:
    """Score what was heard of a split. `trained_on`: how often each word stands in the training transcripts."""
    result, lines = score_set(cuts, heard, split, seed)
    texts = [line["reference"] for line in lines], [line["hypothesis"] for line in lines]
    words, characters = align_words(*texts), align_characters(*texts)
    metrics = result.as_dict() | {
        "normalization": str(recognizer.normalize),
        "real_time_factor": round(heard.processing_s / heard.audio_s, 5),
        "latency_s": round(latency_s(recognizer, cuts, dataset, device), 4),
        "device": str(device),
        "threads": torch.get_num_threads(),
        "breakdown": breakdown(lines, result, seed),
        "calibration": calibration(texts[0], [heard.transcripts[line["id"]] for line in lines]),
    }
    if trained_on is not None:
        metrics["rare_words"] = rare_words(words, trained_on, [line["speaker"] for line in lines], seed)
    found = {"words": count_confusions(words).as_dict(), "characters": count_confusions(characters).as_dict()}
    return Measured(metrics, found, lines)


def calibrate(recognizer: Recognizer, cuts: CutSet, heard: Heard) -> None:
    """Have a recogniser know how sure it may be, by what it got right of a held-out set, and say so of that set too."""
    references = {cut.id: cut.supervisions[0].text for cut in cuts}
    transcripts = heard.transcripts
    confidence = fit_confidence([references[name] for name in transcripts], list(transcripts.values()))
    if confidence is not None:
        heard.transcripts = {name: confidence.of(each) for name, each in transcripts.items()}
    recognizer.confidence = confidence
