"""Waveform to frames: MFCC, log-mel, spectrogram behind one contract.

    (waveform (B, S) in [-1, 1], lengths (B,) samples) -> (frames (B, T, F), lengths (B,) frames)

Every feature has `dim` (F), `hop_s` (seconds per frame), `frames_of(samples)`, and `raw`, which is the same without
the normalization. Samples and frames beyond an utterance's length never change its result: they are set to zero before
and after.

Shapes: B utterances, S samples, T frames, F feature coefficients.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
import torchaudio
from torch import Tensor, nn

from asr.model.masking import valid_frames, zero_padding

LOG_FLOOR = 1e-6  # added before the logarithm: -60 dB below a full-scale bin, so digital silence stays finite


class Features(Protocol):
    """What training and recognition ask of a feature extractor."""

    dim: int
    hop_s: float

    def __call__(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]: ...

    def raw(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]: ...

    def frames_of(self, samples: Tensor) -> Tensor: ...

    def train(self, mode: bool) -> Any: ...


class Spectrogram(nn.Module):
    """Log-power spectrogram, (B, S) -> (B, T, window/2 + 1), T = S // hop + 1 (centred on multiples of the hop)."""

    def __init__(
        self, sample_rate: int, window_ms: float, hop_ms: float, normalization: Callable[[int], nn.Module]
    ) -> None:
        super().__init__()
        framing = Framing(sample_rate, window_ms, hop_ms)
        self.dim, self.hop_s, self.frames_of = framing.fft // 2 + 1, framing.hop_s, framing.frames_of
        self.transform = torchaudio.transforms.Spectrogram(
            framing.fft, framing.window, framing.hop, pad_mode="constant"
        )
        self.normalization = normalization(self.dim)

    def raw(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        power = self.transform(zero_padding(waveform, lengths)).transpose(1, 2)  # (B, T, F)
        return (power + LOG_FLOOR).log(), self.frames_of(lengths)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return normalized(self, waveform, lengths)


class LogMel(nn.Module):
    """Log-mel filter-bank energies, (B, S) -> (B, T, mels)."""

    def __init__(
        self, sample_rate: int, window_ms: float, hop_ms: float, mels: int, normalization: Callable[[int], nn.Module]
    ) -> None:
        super().__init__()
        framing = Framing(sample_rate, window_ms, hop_ms)
        self.dim, self.hop_s, self.frames_of = mels, framing.hop_s, framing.frames_of
        self.transform = torchaudio.transforms.MelSpectrogram(
            sample_rate, framing.fft, framing.window, framing.hop, n_mels=mels, pad_mode="constant"
        )
        self.normalization = normalization(self.dim)

    def raw(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        energies = self.transform(zero_padding(waveform, lengths)).transpose(1, 2)  # (B, T, F)
        return (energies + LOG_FLOOR).log(), self.frames_of(lengths)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return normalized(self, waveform, lengths)


class MFCC(nn.Module):
    """Mel-frequency cepstral coefficients with `deltas` orders of time differences, (B, S) -> (B, T, C * (1 + deltas)).

    Davis & Mermelstein 1980; differences over `delta_window` frames as in torchaudio.functional.compute_deltas.
    """

    def __init__(
        self,
        sample_rate: int,
        window_ms: float,
        hop_ms: float,
        mels: int,
        coefficients: int,
        deltas: int,
        delta_window: int,
        normalization: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        framing = Framing(sample_rate, window_ms, hop_ms)
        self.dim, self.hop_s, self.frames_of = coefficients * (1 + deltas), framing.hop_s, framing.frames_of
        self.deltas, self.delta_window = deltas, delta_window
        self.transform = torchaudio.transforms.MFCC(
            sample_rate,
            coefficients,
            log_mels=True,
            melkwargs={
                "n_fft": framing.fft,
                "win_length": framing.window,
                "hop_length": framing.hop,
                "n_mels": mels,
                "pad_mode": "constant",
            },
        )
        self.normalization = normalization(self.dim)

    def raw(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        coefficients = self.transform(zero_padding(waveform, lengths)).transpose(1, 2)  # (B, T, C)
        lengths = self.frames_of(lengths)
        orders = [coefficients]
        for _ in range(self.deltas):
            held = hold_last_frame(orders[-1], lengths).transpose(1, 2)
            orders.append(torchaudio.functional.compute_deltas(held, self.delta_window).transpose(1, 2))
        return torch.cat(orders, dim=-1), lengths

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return normalized(self, waveform, lengths)


def normalized(features, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The feature's raw frames after its normalization, always in 32 bits: energies span more than bf16 resolves."""
    with torch.autocast(waveform.device.type, enabled=False):
        frames, lengths = features.raw(waveform, lengths)
        return features.normalization(frames, lengths), lengths


class Framing:
    """Window, hop and FFT size in samples; the FFT is the next power of two."""

    def __init__(self, sample_rate: int, window_ms: float, hop_ms: float) -> None:
        self.window = round(sample_rate * window_ms / 1000)
        self.hop = round(sample_rate * hop_ms / 1000)
        self.fft = 1 << (self.window - 1).bit_length()
        self.hop_s = self.hop / sample_rate

    def frames_of(self, samples: Tensor) -> Tensor:
        """How many frames so many samples make: one centred on every multiple of the hop, the first at 0."""
        return samples // self.hop + 1


class UtteranceNormalization(nn.Module):
    """Zero mean and unit variance of every coefficient over the utterance's own frames."""

    def __init__(self, dim: int) -> None:
        super().__init__()

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        valid = valid_frames(lengths, frames.shape[1]).unsqueeze(-1)  # (B, T, 1)
        count = lengths.view(-1, 1, 1).clamp_min(1)
        frames = frames.where(valid, 0.0)
        mean = frames.sum(1, keepdim=True) / count
        centred = (frames - mean).where(valid, 0.0)
        deviation = (centred.square().sum(1, keepdim=True) / count).sqrt()
        return centred / (deviation + 1e-5)


class CorpusNormalization(nn.Module):
    """Zero mean and unit variance of every coefficient over the training corpus; fitted once, saved with the model."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("deviation", torch.ones(dim))

    @torch.no_grad()
    def fit(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Take mean and deviation from raw `(frames (B, T, F), lengths (B,))` of the training data."""
        count, total, squares = 0, torch.zeros(()), torch.zeros(())
        for frames, lengths in batches:
            flat = frames[valid_frames(lengths, frames.shape[1])].double()  # (N, F)
            count, total, squares = count + len(flat), total + flat.sum(0), squares + flat.square().sum(0)
        if not count:
            raise ValueError("corpus normalization needs at least one training batch")
        mean = total / count
        self.mean = mean.float()
        self.deviation = (squares / count - mean.square()).clamp_min(1e-10).sqrt().float()

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        return zero_padding((frames - self.mean) / self.deviation, lengths)


class NoNormalization(nn.Module):
    """Frames as they are, with zeros in the padding."""

    def __init__(self, dim: int) -> None:
        super().__init__()

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        return zero_padding(frames, lengths)


def hold_last_frame(frames: Tensor, lengths: Tensor) -> Tensor:
    """Fill the padding with each utterance's last frame, as differences at the end of a lone utterance see it."""
    index = torch.arange(frames.shape[1], device=frames.device).expand(frames.shape[0], -1)
    index = index.minimum((lengths - 1).unsqueeze(1))
    return frames.gather(1, index.unsqueeze(-1).expand_as(frames))
