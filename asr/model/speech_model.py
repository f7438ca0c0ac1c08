"""The acoustic model: waveform in, token log-probabilities out."""

from torch import Tensor, nn

from asr.model.encoders import Encoder
from asr.model.features import Features
from asr.tasks.transcribe.ctc.head import CTCHead


class AcousticModel(nn.Module):
    """features -> encoder -> head, (B, S) samples -> (B, T', V) log-probabilities."""

    def __init__(self, features: Features, encoder: Encoder, head: CTCHead) -> None:
        super().__init__()
        self.features, self.encoder, self.head = features, encoder, head

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S), (B,) samples -> (B, T', V), (B,) frames."""
        frames, lengths = self.features(waveform, lengths)
        hidden, lengths = self.encoder(frames, lengths)
        return self.head(hidden), lengths

    @property
    def frame_s(self) -> float:
        """Seconds per output frame."""
        return self.features.hop_s * self.encoder.stride

    def frames_of(self, samples: Tensor) -> Tensor:
        """Output frames for a number of samples, without computing them."""
        return self.encoder.frames_of(self.features.frames_of(samples))
