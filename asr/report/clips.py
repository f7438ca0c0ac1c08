"""What there is to hear and to see of an utterance, whatever the task, small enough that a page holds a thousand."""

import io
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
import soundfile
import torch
from PIL import Image
from torch import nn

from asr.audio.recording import resample
from asr.corpus.batches import Batch
from asr.model.features import LogMel

PAGE_BYTES = 18_500_000  # of clips and their rows: a page stays below 20 MB
BYTES_PER_UTTERANCE, BYTES_PER_SECOND = 1500, 4000  # as measured: text and words; sound and picture in base64
MP3_RATES_HZ = (8000, 11025, 12000, 16000)  # speech needs no more
MP3_COMPRESSION = 0.94  # of 1: about 19 kbit/s at 16 kHz
MELS, HOP_MS = 64, 20  # of the picture: rows, and milliseconds a column
WEBP_QUALITY, WEBP_WIDTH = 40, 16_383  # the format's limit: five minutes


class SoundAndPicture(NamedTuple):
    """The sound of an utterance as a file, its type for a browser, its spectrogram as a WebP file, its seconds."""

    sound: bytes
    sound_type: str
    picture: bytes
    seconds: float


def choose_clips(worst_first: Sequence[Mapping[str, Any]], room: int = PAGE_BYTES) -> list[str]:
    """Ids of the utterances to hear: all, or as many as fit into `room` bytes, alternately the worst and a random one.

    worst_first: lines of hypotheses.jsonl.
    """
    drawn = random.Random(0).sample(worst_first, len(worst_first))
    chosen: dict[str, None] = {}
    for line in (each for pair in zip_longest(worst_first, drawn) for each in pair if each is not None):
        if line["id"] not in chosen:
            room -= BYTES_PER_UTTERANCE + int(BYTES_PER_SECOND * line["duration"])
            if room < 0:
                break
            chosen[line["id"]] = None
    return list(chosen)


def sounds_and_pictures(sample_rate: int, batches: Iterable[Batch]) -> Iterator[tuple[str, SoundAndPicture]]:
    """The id of every utterance of the batches, and what there is to hear and to see of it."""
    draw = Pictures(sample_rate)
    with ThreadPoolExecutor() as pool:  # encoders of sound leave Python's lock
        for batch in batches:
            recordings = [row[:length].numpy() for row, length in zip(batch.waveform, batch.lengths, strict=True)]
            sounds = pool.map(sound_of, recordings, [sample_rate] * len(recordings))
            pictures = draw(batch.waveform, batch.lengths)
            for name, samples, sound, picture in zip(batch.ids, recordings, sounds, pictures, strict=True):
                yield name, SoundAndPicture(*sound, picture, len(samples) / sample_rate)


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
