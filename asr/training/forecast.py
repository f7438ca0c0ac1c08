"""How long a training of so many epochs will take here, told before it starts."""

import time

import torch

from asr.corpus.batches import Batch
from asr.training.module import Training

STEPS = 2  # of which the fastest counts: what else runs on the machine only makes steps slower
BESIDE_STEPS = 1.2  # the optimizer and validation, as shares of forward and backward
AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def seconds_of_epochs(
    module: Training, batch: Batch, precision: str, audio_seconds: float, sample_rate: int, epochs: int
) -> float:
    """Seconds for `epochs` passes over `audio_seconds`, from a training step on one batch; nothing of it is kept."""
    fastest = min(seconds_of_step(module, batch, precision) for _ in range(STEPS))
    return epochs * audio_seconds * BESIDE_STEPS * fastest * sample_rate / float(batch.lengths.sum())


def seconds_of_step(module: Training, batch: Batch, precision: str) -> float:
    """Forward and backward, without touching weights or the random numbers of the training."""
    module.train()
    begun = time.perf_counter()
    with torch.random.fork_rng(), torch.autocast("cpu", AUTOCAST.get(precision), enabled=precision in AUTOCAST):
        loss = module.training_loss(batch)[0]
    loss.backward()
    module.zero_grad(set_to_none=True)
    return time.perf_counter() - begun
