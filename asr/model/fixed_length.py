"""Recordings cut or padded to one length before their features, as classifiers of short clips want them."""

from typing import Any

import torch
from torch import Tensor, nn

from asr.errors import UserError

LONGEST_S = 3600.0


class FixedLength(nn.Module):
    """Features of `seconds` of every recording, behind the features' own contract: (B, S), (B,) -> (B, T, F), (B,).

    Of a longer recording a window is cut out, a shorter one lies in zeros, which count as frames: at a random place in
    training, in the middle otherwise. Raises UserError where `seconds` is not a number above 0 up to LONGEST_S.
    """

    def __init__(self, features: Any, sample_rate: int, seconds: float) -> None:
        super().__init__()
        if not isinstance(seconds, int | float) or not 0 < seconds * sample_rate <= LONGEST_S * sample_rate:
            raise UserError(f"data.crop_seconds={seconds}: a number above 0 and up to {LONGEST_S:g} is wanted")
        self.features: Any = features
        self.samples = max(1, round(seconds * sample_rate))
        self.dim, self.hop_s = features.dim, features.hop_s

    @property
    def normalization(self) -> nn.Module:
        return self.features.normalization

    def frames_of(self, samples: Tensor) -> Tensor:
        return self.features.frames_of(torch.full_like(samples, self.samples))

    def raw(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return self.features.raw(*self.cut(waveform, lengths))

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return self.features(*self.cut(waveform, lengths))

    def cut(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S), (B,) samples -> (B, self.samples), and that (B,)."""
        spare = lengths - self.samples  # (B,), below 0 where the recording is shorter
        start = spare // 2
        if self.training:
            start = (torch.rand(len(spare), device=spare.device) * spare).round().long()
        place = start.unsqueeze(1) + torch.arange(self.samples, device=waveform.device)  # (B, self.samples)
        inside = (place >= 0) & (place < lengths.unsqueeze(1))
        found = waveform.gather(1, place.clamp(0, waveform.shape[1] - 1)).where(inside, 0.0)
        return found, torch.full_like(lengths, self.samples)
