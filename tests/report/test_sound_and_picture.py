"""What can be heard and seen of an utterance of any task."""

import io

import numpy as np
import soundfile
import torch
from PIL import Image

from asr.report.clips import Pictures, sound_of

RATE_HZ = 16_000


def picture(samples: np.ndarray, rate_hz: int) -> bytes:
    return Pictures(rate_hz)(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))[0]


def test_sound_is_small_and_whole_at_every_rate():
    for rate in (8000, 11025, 16000, 22050, 44100, 48000):
        samples = 0.3 * np.sin(np.arange(2 * rate) * 2 * np.pi * 440 / rate).astype(np.float32)
        encoded, kind = sound_of(samples, rate)
        decoded, at = soundfile.read(io.BytesIO(encoded))
        assert kind == "audio/mpeg" and at <= 16_000 and len(encoded) < 6500
        assert abs(len(decoded) / at - 2.0) < 0.1
        assert abs(np.sqrt(np.mean(decoded[at // 2 : at] ** 2)) - 0.3 / np.sqrt(2)) < 0.02


def test_the_picture_shows_a_tone_where_it_sounds():
    samples = np.zeros(RATE_HZ, np.float32)
    samples[RATE_HZ // 2 :] = 0.5 * np.sin(np.arange(RATE_HZ // 2) * 2 * np.pi * 3000 / RATE_HZ)
    seen = np.asarray(Image.open(io.BytesIO(picture(samples, RATE_HZ))).convert("L"))
    assert seen.shape == (64, 51)
    early, late = seen[:, :20], seen[:, 30:]
    assert late.max() > 200 and early.max() < 40
    assert abs(int(late.mean(axis=1).argmax()) - 21) < 3  # 1876 of 2840 mel, high frequencies above


def test_padding_is_not_in_the_picture():
    samples = torch.zeros(2, RATE_HZ)
    samples[0, : RATE_HZ // 2] = 0.1 * torch.randn(RATE_HZ // 2, generator=torch.Generator().manual_seed(0))
    first, _ = Pictures(RATE_HZ)(samples, torch.tensor([RATE_HZ // 2, RATE_HZ]))
    assert first == picture(samples[0, : RATE_HZ // 2].numpy(), RATE_HZ)


def test_silence_has_a_picture():
    assert len(picture(np.zeros(100, np.float32), RATE_HZ)) < 200


def test_a_long_recording_has_a_picture():
    assert Image.open(io.BytesIO(picture(np.zeros(8000 * 400, np.float32), 8000))).size == (16_383, 64)
