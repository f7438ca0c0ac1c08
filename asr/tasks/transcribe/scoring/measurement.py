"""A split measured: its score, for whom and in what the recogniser errs, how fast it is, and every hypothesis."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lhotse import CutSet
from rich.console import Console

from asr.corpus.batches import SpeechDataset, evaluation_batches
from asr.evaluation.breakdown import UtteranceRates, breakdown
from asr.evaluation.latency import median_latency_s
from asr.screen import progress_bar
from asr.task import Measured
from asr.tasks.transcribe.recognizer import Recognizer
from asr.tasks.transcribe.scoring.calibration import fit_confidence, word_calibration
from asr.tasks.transcribe.scoring.confusions import align_characters, align_words, count_confusions
from asr.tasks.transcribe.scoring.hypotheses import Transcriptions, decode_batch, score_set, transcribe_set
from asr.tasks.transcribe.scoring.rare_words import rare_words
from asr.tasks.transcribe.scoring.wer import Score, score


def transcribe_split(
    recognizer: Recognizer,
    cuts: CutSet,
    dataset: SpeechDataset,
    batch_seconds: float,
    split: str,
    screen: Console,
    device: torch.device | str = "cpu",
    workers: int = 0,
) -> Transcriptions:
    """Transcribe a split, every utterance once through the model, with progress."""
    batches = evaluation_batches(cuts, dataset, batch_seconds, workers)
    with progress_bar(screen, f"transcribing {split}") as on_progress:
        return transcribe_set(recognizer, batches, device, lambda done: on_progress(done, len(cuts)))


def score_split(
    recognizer: Recognizer,
    cuts: CutSet,
    dataset: SpeechDataset,
    transcriptions: Transcriptions,
    split: str,
    seed: int,
    trained_on: Mapping[str, int] | None = None,
    device: torch.device | str = "cpu",
) -> Measured:
    """Score the transcriptions of a split. `trained_on`: how often each word stands in the training transcripts."""
    result, lines = score_set(cuts, transcriptions, split, seed)
    texts = [line["reference"] for line in lines], [line["hypothesis"] for line in lines]
    words, characters = align_words(*texts), align_characters(*texts)
    metrics = result.as_dict() | {
        "normalization": str(recognizer.normalize),
        "real_time_factor": round(transcriptions.processing_s / transcriptions.audio_s, 5),
        "latency_s": round(
            median_latency_s(cuts, dataset, lambda batch: decode_batch(recognizer, batch, device).seconds), 4
        ),
        "device": str(device),
        "threads": torch.get_num_threads(),
        "breakdown": breakdown(lines, word_errors_of(result), seed),
        "calibration": word_calibration(texts[0], [transcriptions.transcripts[line["id"]] for line in lines]),
    }
    if trained_on is not None:
        metrics["rare_words"] = rare_words(words, trained_on, [line["speaker"] for line in lines], seed)
    errors = {"words": count_confusions(words).as_dict(), "characters": count_confusions(characters).as_dict()}
    return Measured(metrics, lines, errors, transcriptions.views)


def score_lines(lines: Sequence[Mapping[str, Any]], seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What metrics.json and errors.json hold of lines of hypotheses.jsonl, of one model or of several folds'."""
    texts = [line["reference"] for line in lines], [line["hypothesis"] for line in lines]
    result = score(*texts, [line["speaker"] for line in lines], seed)
    words, characters = (count_confusions(align(*texts)).as_dict() for align in (align_words, align_characters))
    metrics = result.as_dict() | {"breakdown": breakdown(lines, word_errors_of(result), seed)}
    return metrics, {"words": words, "characters": characters}


def word_errors_of(result: Score) -> UtteranceRates:
    """The word error rate, utterance by utterance."""
    return UtteranceRates("wer", "words", result.per_utterance_errors, result.per_utterance_words)


def calibrate(recognizer: Recognizer, cuts: CutSet, transcriptions: Transcriptions) -> None:
    """Learn word confidences from what a recogniser got right of a held-out set, and put them into that set's words."""
    references = {cut.id: cut.supervisions[0].text for cut in cuts}
    transcripts = transcriptions.transcripts
    confidence = fit_confidence([references[name] for name in transcripts], list(transcripts.values()))
    if confidence is not None:
        transcriptions.transcripts = {name: confidence.of(each) for name, each in transcripts.items()}
    recognizer.confidence = confidence
