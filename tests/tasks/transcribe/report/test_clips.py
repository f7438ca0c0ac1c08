"""What can be heard and seen of an utterance."""

import io

import numpy as np
import soundfile
import torch
from PIL import Image
from torch import nn

from asr.corpus.batches import Batch
from asr.model.features import LogMel
from asr.tasks.transcribe.ctc.head import CTCHead
from asr.tasks.transcribe.report.clips import BYTES_PER_SECOND, LEVELS, Pictures, choose, clips_of, curves_of, sound_of
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from asr.tasks.transcribe.timing.words import Word
from tests.tasks.transcribe.recognizers import recognizer_of

RATE_HZ = 16_000
HEARD = {"text": "ab", "start": 0.05, "end": 0.2, "confidence": 0.7}


def lines(count: int, duration: float = 4.0) -> list[dict]:
    return [{"id": f"u{i:04d}", "wer": i / count, "duration": duration} for i in range(count)]


def picture(samples: np.ndarray, rate_hz: int) -> bytes:
    return Pictures(rate_hz)(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))[0]


def test_all_are_chosen_where_there_is_room():
    assert set(choose(lines(1000))) == {line["id"] for line in lines(1000)}


def test_else_the_worst_and_as_many_at_random():
    chosen = choose(lines(10_000))
    assert 1000 < len(chosen) < 1200
    worst = {line["id"] for line in lines(10_000)[-500:]}
    assert worst <= set(chosen)
    assert sum(name < "u5000" for name in chosen) > 200
    assert chosen == choose(lines(10_000)[::-1])


def test_one_that_is_longer_than_the_room_is_left_out():
    assert choose(lines(1, duration=10.0), room=5 * BYTES_PER_SECOND) == []


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


def test_curves_are_the_likely_stretches_in_order():
    posteriors = np.zeros((10, 4))
    posteriors[:, 0] = 1.0
    posteriors[2:4, 3] = 0.5, 1.0
    posteriors[6, 1] = 0.4
    posteriors[8, 2] = 0.2  # never likely
    assert curves_of(posteriors, "∅abc") == [("c", 2, LEVELS[18] + "z"), ("a", 6, "e")]
    assert curves_of(np.zeros((0, 4)), "∅abc") == []


class Spelling(nn.Module):
    """A model that hears 'ab a' in every recording, a token every other frame, from the second frame on."""

    def __init__(self) -> None:
        super().__init__()
        self.features = LogMel(RATE_HZ, 25, 10, 40, nn.Identity)
        self.head = CTCHead(4, 4)
        self.frame_s = 0.04

    def forward(self, waveform, lengths):
        frames = lengths // 640
        log_probs = torch.full((len(waveform), int(frames.max()), 4), 0.01)
        log_probs[..., 0] = 0.97
        for place, token in enumerate((2, 3, 1, 2)):
            log_probs[:, 2 * place + 1] = torch.eye(4)[token] * 0.96 + 0.01
        return log_probs.log(), frames


def test_words_get_their_times_and_what_cannot_be_aligned_gets_none():
    tokenizer = CharacterTokenizer.train(["ab a"])
    recognizer = recognizer_of(Spelling(), tokenizer, RATE_HZ)
    lengths = torch.tensor([RATE_HZ, RATE_HZ // 2])
    waveform = 0.1 * torch.randn(2, RATE_HZ, generator=torch.Generator().manual_seed(0))
    batch = Batch(["x", "y"], ["ab a", "ß"], waveform, lengths, ())
    texts = [
        {"id": "x", "reference": "ab a", "words": [HEARD]},
        {"id": "y", "reference": "ß", "words": []},
    ]
    done = []
    clips = clips_of(recognizer, [batch], texts, lambda *progress: done.append(progress))
    assert done == [(1, 2), (2, 2)]
    assert [(w.text, w.start, w.end) for w in clips["x"].reference] == [("ab", 0.04, 0.16), ("a", 0.28, 0.32)]
    assert clips["x"].hypothesis == [Word(**HEARD)]
    assert [piece for piece, _, _ in clips["x"].curves] == ["a", "b", "▁", "a"]
    assert clips["y"].reference == clips["y"].hypothesis == [] and clips["y"].seconds == 0.5
