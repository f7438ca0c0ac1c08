"""What there is to hear and to see of an utterance, small enough that a page holds a thousand of them."""

import io
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import soundfile
import torch
from lhotse import CutSet
from PIL import Image
from rich.console import Console
from torch import nn

from asr.audio.recording import resample
from asr.corpus.batches import Batch, SpeechDataset, evaluation_batches
from asr.errors import UserError
from asr.model.features import LogMel
from asr.screen import counting
from asr.tasks.transcribe.decode.beam import timed
from asr.tasks.transcribe.recognizer import Recognizer
from asr.tasks.transcribe.timing.words import Word

PAGE_BYTES = 18_500_000  # of clips and their rows: a page stays below 20 MB
BATCH_SECONDS = 120  # through the model at once
BYTES_PER_UTTERANCE, BYTES_PER_SECOND = 1500, 4000  # as measured: text and words; sound and picture in base64
MP3_RATES_HZ = (8000, 11025, 12000, 16000)  # speech needs no more
MP3_COMPRESSION = 0.94  # of 1: about 19 kbit/s at 16 kHz
MELS, HOP_MS = 64, 20  # of the picture: rows, and milliseconds a column
WEBP_QUALITY, WEBP_WIDTH = 40, 16_383  # the format's limit: five minutes
DRAWN, FAINTEST = 0.3, 0.03  # a token is drawn whose posterior exceeds the first; its curve ends below the second
LEVELS = "0123456789abcdefghijklmnopqrstuvwxyz"  # a posterior in a character


@dataclass(frozen=True)
class Clip:
    """Sound and picture as files, and what lies over the picture.

    reference, hypothesis: words with their times; the reference's are empty where CTC cannot align it.
    curves: of each stretch in which a token was likely its piece, its first frame, and its posteriors as `LEVELS`.
    """

    sound: bytes
    sound_type: str
    picture: bytes
    seconds: float
    frame_s: float
    reference: list[Word]
    hypothesis: list[Word]
    curves: list[tuple[str, int, str]]


def choose(lines: Sequence[Mapping[str, Any]], room: int = PAGE_BYTES) -> list[str]:
    """Ids of the utterances to hear: all, or as many as there is room for, alternately the worst and a random one.

    lines: those of hypotheses.jsonl.
    """
    worst = sorted(lines, key=lambda line: (-line["wer"], -line["duration"], line["id"]))
    drawn = random.Random(0).sample(worst, len(worst))
    chosen: dict[str, None] = {}
    for line in (each for pair in zip_longest(worst, drawn) for each in pair if each is not None):
        if line["id"] not in chosen:
            room -= BYTES_PER_UTTERANCE + int(BYTES_PER_SECOND * line["duration"])
            if room < 0:
                break
            chosen[line["id"]] = None
    return list(chosen)


def hear(
    recognizer: Recognizer,
    cuts: CutSet,
    dataset: SpeechDataset,
    lines: Sequence[Mapping[str, Any]],
    screen: Console,
    room: int = PAGE_BYTES,
) -> dict[str, Clip]:
    """Clips of those utterances of a split that a page of `room` bytes has place for; lines: of hypotheses.jsonl."""
    chosen = set(choose(lines, room))
    if not chosen:
        return {}
    batches = evaluation_batches(cuts.filter(lambda cut: cut.id in chosen).to_eager(), dataset, BATCH_SECONDS, 0)
    with counting(screen, "report") as on_progress:
        return clips_of(recognizer, batches, [line for line in lines if line["id"] in chosen], on_progress)


def clips_of(
    recognizer: Recognizer,
    batches: Iterable[Batch],
    lines: Iterable[Mapping[str, Any]],
    on_progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> dict[str, Clip]:
    """A clip of every utterance of the batches that could be decoded, by its id; lines: theirs of hypotheses.jsonl."""
    by_id = {line["id"]: line for line in lines}
    draw = Pictures(recognizer.sample_rate)
    clips: dict[str, Clip] = {}
    with ThreadPoolExecutor() as pool:  # encoders of sound leave Python's lock
        for batch in batches:
            recordings = [row[:length].numpy() for row, length in zip(batch.waveform, batch.lengths, strict=True)]
            sounds = pool.map(sound_of, recordings, [recognizer.sample_rate] * len(recordings))
            pictures = draw(batch.waveform, batch.lengths)
            views = seen(recognizer, batch, [by_id[name] for name in batch.ids])
            for name, samples, sound, picture, view in zip(batch.ids, recordings, sounds, pictures, views, strict=True):
                seconds = len(samples) / recognizer.sample_rate
                clips[name] = Clip(*sound, picture, seconds, recognizer.model.frame_s, *view)
                on_progress(len(clips), len(by_id))
    return clips


def sound_of(samples: np.ndarray, sample_rate: int) -> tuple[bytes, str]:
    """(S,) samples in [-1, 1] -> an MP3 of about 19 kbit/s, which every browser plays, and its type."""
    rate = sample_rate if sample_rate in MP3_RATES_HZ else MP3_RATES_HZ[-1]
    samples = np.clip(resample(samples, sample_rate, rate), -1.0, 1.0)
    file = io.BytesIO()
    if "MP3" not in soundfile.available_formats():
        soundfile.write(file, samples, rate, format="FLAC", subtype="PCM_16")
        return file.getvalue(), "audio/flac"
    how: dict[str, Any] = {"bitrate_mode": "AVERAGE", "compression_level": MP3_COMPRESSION}
    soundfile.write(file, samples, rate, format="MP3", **how)
    return file.getvalue(), "audio/mpeg"


class Pictures:
    """(B, S), (B,) samples -> log-mel spectrograms as grey WebP pictures, low frequencies below."""

    def __init__(self, sample_rate: int) -> None:
        self.features = LogMel(sample_rate, window_ms=25, hop_ms=HOP_MS, mels=MELS, normalization=nn.Identity)

    @torch.inference_mode()
    def __call__(self, waveform: torch.Tensor, lengths: torch.Tensor) -> list[bytes]:
        frames, counts = self.features.raw(waveform, lengths)
        return [picture_of(row[:count].numpy()) for row, count in zip(frames, counts.tolist(), strict=True)]


def picture_of(energies: np.ndarray) -> bytes:
    """(T, F) log energies, dark where little is heard."""
    low, high = np.percentile(energies, 5), energies.max()
    grey = np.clip((energies.T[::-1] - low) / max(high - low, 1e-3), 0.0, 1.0) * 255
    image, file = Image.fromarray(grey.astype(np.uint8)), io.BytesIO()
    if image.width > WEBP_WIDTH:
        image = image.resize((WEBP_WIDTH, MELS))
    image.save(file, "WEBP", quality=WEBP_QUALITY, method=2)
    return file.getvalue()


@torch.inference_mode()
def seen(recognizer: Recognizer, batch: Batch, lines: Sequence[Mapping[str, Any]]) -> Iterator[tuple]:
    """What lies over each picture of a batch: words of the reference, of the hypothesis, token curves."""
    device = next(recognizer.model.parameters()).device
    log_probs, counts = recognizer.model(batch.waveform.to(device), batch.lengths.to(device))
    log_probs, counts = log_probs.float().cpu(), counts.cpu()
    references = aligned(recognizer, batch, log_probs, counts, [line["reference"] for line in lines])
    pieces = [recognizer.tokenizer.piece(index) for index in range(recognizer.tokenizer.size)]
    for row, (line, spoken) in enumerate(zip(lines, references, strict=True)):
        heard = [Word(**word) for word in line["words"]]
        yield spoken, heard, curves_of(log_probs[row, : counts[row]].exp().numpy(), pieces)


def aligned(
    recognizer: Recognizer, batch: Batch, log_probs: torch.Tensor, counts: torch.Tensor, texts: Sequence[str]
) -> list[list[Word]]:
    """The words of every text with their times in (B, T', V) log-probabilities; none where one cannot be aligned."""
    hypotheses = timed(log_probs, counts, [encoded(recognizer, text) for text in texts])
    return [transcript.words for transcript in recognizer.timed(hypotheses, batch.waveform, batch.lengths)]


def encoded(recognizer: Recognizer, text: str) -> list[int]:
    """Tokens of a text; none where the tokenizer cannot write it."""
    try:
        return recognizer.tokenizer.encode(text)
    except UserError:
        return []


def curves_of(posteriors: np.ndarray, pieces: Sequence[str]) -> list[tuple[str, int, str]]:
    """(T', V) probabilities, blank at 0 -> the stretches in which a token was likely, in the order of their beginning.

    The blank is left out: it is what lies between them.
    """
    found = []
    for token in np.flatnonzero((posteriors[:, 1:] > DRAWN).any(axis=0)).tolist():
        curve = posteriors[:, token + 1]
        edges = np.diff(np.concatenate([[0], curve > FAINTEST, [0]]).astype(int))
        for start, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            if curve[start:end].max() > DRAWN:
                levels = "".join(LEVELS[round(float(p) * (len(LEVELS) - 1))] for p in curve[start:end])
                found.append((int(start), pieces[token + 1], levels))
    return [(piece, start, levels) for start, piece, levels in sorted(found)]
