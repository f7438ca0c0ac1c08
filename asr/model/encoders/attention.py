"""Self-attention over frames and the ways to tell it where a frame stands.

Vaswani et al. 2017 (multi-head attention, sinusoidal positions); Su et al. 2021 (rotary positions).
Shapes: B utterances, T frames, D model width, H heads, d = D / H.
"""

import math
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from asr.errors import UserError


class SelfAttention(nn.Module):
    """(B, T, D), valid (B, T) bool -> (B, T, D); padding frames are never attended to.

    Training on a CPU computes all (T, T) weights, whose gradient is twice as fast as the fused kernel's at the lengths
    of utterances; elsewhere the fused kernel keeps long recordings within memory. No dropout on the weights.
    """

    def __init__(self, dim: int, heads: int, position: "Position") -> None:
        super().__init__()
        if dim % (2 * heads):
            raise UserError(f"encoder.dim={dim}: has to be a multiple of twice encoder.heads={heads}")
        self.heads, self.position = heads, position
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        q, k, v = self.query_key_value(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, H, T, d)
        q, k = self.position.rotate(q), self.position.rotate(k)
        whole = self.training and x.device.type == "cpu"
        with sdpa_kernel(SDPBackend.MATH) if whole else nullcontext():
            mixed = nn.functional.scaled_dot_product_attention(q, k, v, valid[:, None, None, :])
        return self.out(mixed.transpose(1, 2).flatten(2))


class SinusoidalPosition(nn.Module):
    """Absolute: sines and cosines of the frame index added to the frames once, before the first block."""

    def add(self, x: Tensor) -> Tensor:
        angles = frame_angles(x.shape[1], x.shape[2], x.device)  # (T, D/2)
        return x + torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1).to(x.dtype)

    def rotate(self, x: Tensor) -> Tensor:
        return x


class RotaryPosition(nn.Module):
    """Relative: queries and keys turned by angles that grow with the frame index."""

    def add(self, x: Tensor) -> Tensor:
        return x

    def rotate(self, x: Tensor) -> Tensor:
        """(B, H, T, d) -> the same, each pair (x[i], x[i + d/2]) turned by its frame's angle."""
        angles = frame_angles(x.shape[2], x.shape[3], x.device)  # (T, d/2)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        first, second = x.chunk(2, dim=-1)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


Position = SinusoidalPosition | RotaryPosition


def frame_angles(frames: int, dim: int, device: torch.device) -> Tensor:
    """(T, dim/2) angles: frame index times geometrically falling frequencies, wavelengths from 2π to 10000 · 2π."""
    frequencies = torch.exp(torch.arange(0, dim, 2, device=device) * (-math.log(10000.0) / dim))
    return torch.arange(frames, device=device).unsqueeze(1) * frequencies
