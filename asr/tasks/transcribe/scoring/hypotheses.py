"""Run a recogniser over a set of utterances: what it heard beside what was said, and the score."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import torch
from lhotse import CutSet

from asr.corpus.batches import Batch, SpeechDataset
from asr.corpus.cuts import about
from asr.doctor.measures import level_and_snr
from asr.tasks.transcribe.decode.greedy import Hypothesis
from asr.tasks.transcribe.recognizer import Recognizer
from asr.tasks.transcribe.report.posteriors import Example
from asr.tasks.transcribe.scoring.wer import Score, score
from asr.tasks.transcribe.timing.words import Transcript
from asr.writing import write_whole

LATENCY_UTTERANCES = 20


@dataclass
class Heard:
    """What came of a set: by utterance id the text, the sound's level, words with times; and how long it took, in s."""

    utterances: dict[str, dict[str, Any]] = field(default_factory=dict)
    transcripts: dict[str, Transcript] = field(default_factory=dict)
    audio_s: float = 0.0
    processing_s: float = 0.0


def transcribe_set(
    recognizer: Recognizer, batches: Iterable[Batch], device="cpu", on_utterances: Callable[[int], object] | None = None
) -> Heard:
    """Transcribe every utterance of the batches; `on_utterances` is told how many are done.

    Features, encoder, head and decoding count as processing; reading and measuring the recordings do not.
    """
    recognizer.model.to(device)
    heard = Heard()
    for batch in batches:
        batch.check_whole()
        hypotheses, texts, seconds = timed_texts(recognizer, batch, device)
        transcripts = recognizer.timed(hypotheses, batch.waveform, batch.lengths)
        heard.processing_s += seconds
        heard.audio_s += int(batch.lengths.sum()) / recognizer.sample_rate
        heard.transcripts |= dict(zip(batch.ids, transcripts, strict=True))
        for row, (name, text) in enumerate(zip(batch.ids, texts, strict=True)):
            samples = batch.waveform[row, : batch.lengths[row]].numpy()
            loudness_db, snr_db = level_and_snr(samples, recognizer.sample_rate)
            sound = {"loudness_db": round(loudness_db, 1), "snr_db": round(snr_db, 1)}
            heard.utterances[name] = {"hypothesis": recognizer.normalize(text)} | sound
        if on_utterances is not None:
            on_utterances(len(heard.utterances))
    return heard


def sureness(transcript: Transcript) -> dict[str, Any]:
    """The words of a line of hypotheses.jsonl, and their mean confidence."""
    confidences = [word.confidence for word in transcript.words]
    mean = round(sum(confidences) / len(confidences), 4) if confidences else None
    return {"confidence": mean, "words": [asdict(word) for word in transcript.words]}


def timed_texts(recognizer: Recognizer, batch: Batch, device) -> tuple[list[Hypothesis], list[str], float]:
    """What was heard in a batch, and the seconds that it took; a decoder's result waits for the device by itself."""
    begun = time.perf_counter()
    hypotheses = recognizer.decode(batch.waveform.to(device), batch.lengths.to(device))
    texts = list(map(recognizer.text_of, hypotheses))
    return hypotheses, texts, time.perf_counter() - begun


def latency_s(recognizer: Recognizer, cuts: CutSet, dataset: SpeechDataset, device="cpu") -> float:
    """Median seconds from the whole recording to its text, for single utterances of all durations in the set."""
    by_duration = sorted(cuts, key=lambda cut: (cut.duration, cut.id))
    chosen = by_duration[:: max(1, len(by_duration) // LATENCY_UTTERANCES)]
    batches = [dataset[CutSet.from_cuts([cut])] for cut in (chosen[-1], *chosen)]
    seconds = [timed_texts(recognizer, batch, device)[2] for batch in batches]
    return median(seconds[1:])  # the first one only warms up


def score_set(cuts: CutSet, heard: Heard, split: str, seed: int) -> tuple[Score, list[dict]]:
    """The score of a split and its lines of hypotheses.jsonl."""
    cuts = list(cuts)
    spoken = [cut.supervisions[0] for cut in cuts]
    # Where no speaker is known, the corpus puts the utterance's own name.
    speakers = [None if each.speaker == cut.id else each.speaker for cut, each in zip(cuts, spoken, strict=True)]
    references = [supervision.text for supervision in spoken]
    result = score(references, [heard.utterances[cut.id]["hypothesis"] for cut in cuts], speakers, seed)
    lines = [
        {
            "id": cut.id,
            "split": split,
            "reference": supervision.text,
            "hypothesis": heard.utterances[cut.id]["hypothesis"],
            "wer": round(wer, 4),
            "duration": round(cut.duration, 3),
            "speaker": speaker,
            "about": about(supervision),
            **heard.utterances[cut.id],
            **sureness(heard.transcripts[cut.id]),
        }
        for cut, supervision, speaker, wer in zip(cuts, spoken, speakers, result.per_utterance_wer, strict=True)
    ]
    return result, lines


def write_lines(path: Path, lines: Iterable[dict]) -> None:
    """JSON lines, whole or not at all."""
    write_whole(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def write_json(path: Path, content: dict) -> None:
    """For people to read, whole or not at all."""
    write_whole(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


@torch.inference_mode()
def examples_of(recognizer: Recognizer, batch: Batch) -> list[Example]:
    """Everything there is to hear and see of a batch's utterances."""
    device = next(recognizer.model.parameters()).device
    waveform, lengths = batch.waveform.to(device), batch.lengths.to(device)
    frames, frame_counts = recognizer.model.features(waveform, lengths)
    log_probs, counts = recognizer.model(waveform, lengths)
    pieces = [recognizer.tokenizer.piece(index) for index in range(recognizer.tokenizer.size)]
    return [
        Example(
            name,
            text,
            recognizer.text_of(hypothesis),
            batch.waveform[row, : batch.lengths[row]].cpu().numpy(),
            recognizer.sample_rate,
            frames[row, : frame_counts[row]].float().detach().cpu().numpy(),
            log_probs[row, : counts[row]].exp().float().detach().cpu().numpy(),
            pieces,
        )
        for row, (name, text, hypothesis) in enumerate(
            zip(batch.ids, batch.texts, recognizer.decoder(log_probs, counts), strict=True)
        )
    ]
