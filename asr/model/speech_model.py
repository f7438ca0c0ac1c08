"""The network: waveform in, what a task's head makes of the hidden frames out."""

from torch import Tensor, nn

from asr.model.encoders import Encoder
from asr.model.features import Features


class SpeechModel(nn.Module):
    """features -> encoder -> head, (B, S) samples -> the head's outputs."""

    def __init__(self, features: Features, encoder: Encoder, head: nn.Module) -> None:
        super().__init__()
        self.features, self.encoder, self.head = features, encoder, head

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S), (B,) samples -> outputs, which begin with B, and (B,) frames of the encoder."""
        hidden, lengths = self.hidden(waveform, lengths)
        return self.head(hidden, lengths), lengths

    def hidden(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S), (B,) samples -> (B, T', D) hidden frames, and (B,) how many."""
        return self.encoder(*self.features(waveform, lengths))

    @property
    def frame_s(self) -> float:
        """Seconds per output frame."""
        return self.features.hop_s * self.encoder.stride

    def frames_of(self, samples: Tensor) -> Tensor:
        """Output frames for a number of samples, without computing them."""
        return self.encoder.frames_of(self.features.frames_of(samples))
