"""Twenty numbers a frame that classical studies of voices describe: MFCC, zero crossings, energy, spectral shape."""

from collections.abc import Callable

import torch
import torchaudio
from torch import Tensor, nn

from asr.model.features import LOG_FLOOR, Framing, normalized
from asr.model.masking import zero_padding

SHAPE = 4  # zero-crossing rate, RMS, spectral centroid, spectral bandwidth


class Acoustic(nn.Module):
    """(B, S) -> (B, T, coefficients + 4): MFCC from the 0th, zero-crossing rate, RMS, spectral centroid and bandwidth.

    Zero crossings in shares of the samples, RMS of the window's samples as natural logarithm, centroid and bandwidth in
    kHz, weighted by magnitude as in Klapuri & Davy 2006, "Signal processing methods for music transcription".
    """

    def __init__(
        self,
        sample_rate: int,
        window_ms: float,
        hop_ms: float,
        mels: int,
        coefficients: int,
        normalization: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        framing = self.framing = Framing(sample_rate, window_ms, hop_ms)
        self.dim, self.hop_s, self.frames_of = coefficients + SHAPE, framing.hop_s, framing.frames_of
        self.spectrum = torchaudio.transforms.Spectrogram(framing.fft, framing.window, framing.hop, pad_mode="constant")
        self.mels = torchaudio.transforms.MelScale(mels, sample_rate, n_stft=framing.fft // 2 + 1)
        self.register_buffer("cosines", torchaudio.functional.create_dct(coefficients, mels, "ortho"), persistent=False)
        kilohertz = torch.linspace(0, sample_rate / 2000, framing.fft // 2 + 1)
        self.register_buffer("kilohertz", kilohertz, persistent=False)
        self.normalization = normalization(self.dim)

    def raw(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        waveform = zero_padding(waveform, lengths)
        power = self.spectrum(waveform).transpose(1, 2)  # (B, T, bins)
        cepstrum = (self.mels(power.transpose(1, 2)).transpose(1, 2) + LOG_FLOOR).log() @ self.cosines
        windows = self.windows(waveform)  # (B, T, window)
        crossings = (windows[..., 1:].signbit() != windows[..., :-1].signbit()).float().mean(-1)
        energy = 0.5 * (windows.square().mean(-1) + LOG_FLOOR**2).log()
        magnitude = power.sqrt()
        shares = magnitude / (magnitude.sum(-1, keepdim=True) + LOG_FLOOR)
        centroid = shares @ self.kilohertz  # (B, T)
        spread = (self.kilohertz - centroid.unsqueeze(-1)).square()
        bandwidth = (shares * spread).sum(-1).sqrt()
        shape = torch.stack([crossings, energy, centroid, bandwidth], dim=-1)
        return torch.cat([cepstrum, shape], dim=-1), self.frames_of(lengths)

    def windows(self, waveform: Tensor) -> Tensor:
        """(B, S) -> (B, T, window): the samples around every multiple of the hop, zeros beyond the ends."""
        half = self.framing.window // 2
        padded = nn.functional.pad(waveform, (half, self.framing.window - half))
        return padded.unfold(1, self.framing.window, self.framing.hop)[:, : waveform.shape[1] // self.framing.hop + 1]

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return normalized(self, waveform, lengths)
