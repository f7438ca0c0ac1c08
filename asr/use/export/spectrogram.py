"""The power spectrogram in a form that ONNX runtimes are quick at: their own Fourier transform is slow."""

import math

import torch
import torchaudio
from torch import Tensor, nn


class ConvolvedSpectrogram(nn.Module):
    """(B, S) -> (B, F, T) as a convolution with windowed cosines and sines; torchaudio's but for rounding."""

    waves: Tensor

    def __init__(self, layer: torchaudio.transforms.Spectrogram) -> None:
        super().__init__()
        self.window, self.hop = layer.win_length, layer.hop_length
        self.before = layer.n_fft // 2 - (layer.n_fft - layer.win_length) // 2  # samples of a window before its centre
        turns = torch.outer(torch.arange(layer.n_fft // 2 + 1), torch.arange(self.window)) % layer.n_fft / layer.n_fft
        waves = torch.cat([(2 * math.pi * turns).cos(), (2 * math.pi * turns).sin()]) * layer.window
        self.register_buffer("waves", waves.unsqueeze(1))

    def forward(self, waveform: Tensor) -> Tensor:
        padded = nn.functional.pad(waveform, (self.before, self.window - self.before))
        real, imaginary = nn.functional.conv1d(padded.unsqueeze(1), self.waves, stride=self.hop).square().chunk(2, 1)
        return real + imaginary
