"""Encoders: one file each, all with the contract

    dim: int      width of one output frame
    stride: int   input frames per output frame
    (x: (B, T, F) float, lengths: (B,) frames) -> (h: (B, T', dim), lengths: (B,) frames)

Frames beyond an utterance's length never change the frames within it.
"""

from typing import Protocol

from torch import Tensor


class Encoder(Protocol):
    """What the model asks of an encoder; see the module's text for the shapes."""

    dim: int
    stride: int

    def __call__(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]: ...

    def frames_of(self, frames: Tensor) -> Tensor: ...
