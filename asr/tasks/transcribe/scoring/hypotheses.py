"""Run a recogniser over a set of utterances: what it transcribed beside what was said, and the score."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from lhotse import CutSet

from asr.audio.noise import level_and_snr
from asr.corpus.batches import Batch
from asr.corpus.cuts import about
from asr.tasks.transcribe.decode.greedy import Hypothesis
from asr.tasks.transcribe.recognizer import Recognizer
from asr.tasks.transcribe.report.posteriors import Example
from asr.tasks.transcribe.scoring.views import View, views_of
from asr.tasks.transcribe.scoring.wer import Score, score
from asr.tasks.transcribe.timing.words import Transcript


@dataclass
class Transcriptions:
    """What one pass of a set through the model gave, by utterance id, and how long it took, in seconds.

    utterances: the text and the sound's level and noise; transcripts: words and tokens with times; views: what a page
    shows of them.
    """

    utterances: dict[str, dict[str, Any]] = field(default_factory=dict)
    transcripts: dict[str, Transcript] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    audio_s: float = 0.0
    processing_s: float = 0.0


def transcribe_set(
    recognizer: Recognizer, batches: Iterable[Batch], device="cpu", on_utterances: Callable[[int], object] | None = None
) -> Transcriptions:
    """Transcribe every utterance of the batches; `on_utterances` gets the number of utterances so far.

    Features, encoder, head and decoding count as processing; reading and measuring the recordings do not, nor do times
    and views.
    """
    recognizer.model.to(device)
    found = Transcriptions()
    for batch in batches:
        batch.check_whole()
        decoded = decode_batch(recognizer, batch, device)
        transcripts = recognizer.with_word_times(decoded.hypotheses, batch.waveform, batch.lengths)
        views = views_of(recognizer, batch, decoded.log_probs, decoded.frames, decoded.hypotheses, transcripts)
        found.processing_s += decoded.seconds
        found.audio_s += int(batch.lengths.sum()) / recognizer.sample_rate
        found.transcripts |= dict(zip(batch.ids, transcripts, strict=True))
        found.views |= dict(zip(batch.ids, views, strict=True))
        for row, (name, text) in enumerate(zip(batch.ids, decoded.texts, strict=True)):
            samples = batch.waveform[row, : batch.lengths[row]].numpy()
            loudness_db, snr_db = level_and_snr(samples, recognizer.sample_rate)
            sound = {"loudness_db": round(loudness_db, 1), "snr_db": round(snr_db, 1)}
            found.utterances[name] = {"hypothesis": recognizer.normalize(text)} | sound
        if on_utterances is not None:
            on_utterances(len(found.utterances))
    return found


@dataclass(frozen=True)
class DecodedBatch:
    """Of a batch the hypotheses, their texts, the (B, T', V) log-probabilities, (B,) frames, and the seconds taken."""

    hypotheses: list[Hypothesis]
    texts: list[str]
    log_probs: torch.Tensor
    frames: torch.Tensor
    seconds: float


def decode_batch(recognizer: Recognizer, batch: Batch, device) -> DecodedBatch:
    """Transcribe a batch and take the time; a decoder's result waits for the device by itself."""
    begun = time.perf_counter()
    waveform, lengths = batch.waveform.to(device), batch.lengths.to(device)
    hypotheses, log_probs, frames = recognizer.decode_with_log_probs(waveform, lengths)
    texts = list(map(recognizer.text_of, hypotheses))
    return DecodedBatch(hypotheses, texts, log_probs, frames, time.perf_counter() - begun)


def confidence_fields(transcript: Transcript) -> dict[str, Any]:
    """The words of a line of hypotheses.jsonl, and their mean confidence."""
    confidences = [word.confidence for word in transcript.words]
    mean = round(sum(confidences) / len(confidences), 4) if confidences else None
    return {"confidence": mean, "words": [asdict(word) for word in transcript.words]}


def score_set(cuts: CutSet, transcriptions: Transcriptions, split: str, seed: int) -> tuple[Score, list[dict]]:
    """The score of a split and its lines of hypotheses.jsonl."""
    cuts = list(cuts)
    spoken = [cut.supervisions[0] for cut in cuts]
    # Where no speaker is known, the corpus puts the utterance's own name.
    speakers = [None if each.speaker == cut.id else each.speaker for cut, each in zip(cuts, spoken, strict=True)]
    references = [supervision.text for supervision in spoken]
    result = score(references, [transcriptions.utterances[cut.id]["hypothesis"] for cut in cuts], speakers, seed)
    lines = [
        {
            "id": cut.id,
            "split": split,
            "reference": supervision.text,
            "hypothesis": transcriptions.utterances[cut.id]["hypothesis"],
            "wer": round(wer, 4),
            "duration": round(cut.duration, 3),
            "speaker": speaker,
            "about": about(supervision),
            **transcriptions.utterances[cut.id],
            **confidence_fields(transcriptions.transcripts[cut.id]),
        }
        for cut, supervision, speaker, wer in zip(cuts, spoken, speakers, result.per_utterance_wer, strict=True)
    ]
    return result, lines


@torch.inference_mode()
def examples_of(recognizer: Recognizer, batch: Batch) -> list[Example]:
    """An Example of every utterance of a batch."""
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
