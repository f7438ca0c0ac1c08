"""Training steps that are only timed or tried, and leave the training as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def trial_steps(module: nn.Module) -> Iterator[None]:
    """Random numbers, gradients and buffers, such as those of batch normalization, are afterwards what they were."""
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
    with torch.random.fork_rng():
        yield
    module.zero_grad(set_to_none=True)
    for name, buffer in module.named_buffers():
        buffer.copy_(buffers[name])
