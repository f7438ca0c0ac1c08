"""How long a training of so many epochs will take here, told before it starts."""

import time
from collections.abc import Iterable
from itertools import islice

import torch
from torch import nn

from asr.corpus.batches import Batch
from asr.training.module import Training
from asr.training.trial_steps import trial_steps

STEPS = 4  # on as many batches; the first only warms up
AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def seconds_of_epochs(
    module: Training,
    training: Iterable[Batch],
    dev: Iterable[Batch],
    precision: str,
    audio_seconds: tuple[float, float],
    sample_rate: int,
    epochs: int,
) -> float:
    """Seconds for `epochs` passes over `audio_seconds` of train and dev, from some batches; nothing of them is kept."""
    module.train()
    mixed = torch.autocast("cpu", AUTOCAST.get(precision), enabled=precision in AUTOCAST)
    with trial_steps(module), mixed:
        update = seconds_of_update(module)
        steps = [(seconds_of_step(module, batch) + update, samples_of(batch)) for batch in islice(training, STEPS)]
        checks = [(seconds_of_check(module, batch), samples_of(batch)) for batch in islice(dev, 1)]
    of_train, of_dev = audio_seconds
    return epochs * sample_rate * (of_train * pace(steps[1:] or steps) + of_dev * pace(checks))


def pace(measured: list[tuple[float, float]]) -> float:
    """Seconds a sample, of (seconds, samples) of some batches."""
    return sum(seconds for seconds, _ in measured) / max(1.0, sum(samples for _, samples in measured))


def samples_of(batch: Batch) -> float:
    return float(batch.lengths.sum())


def seconds_of_step(module: Training, batch: Batch) -> float:
    """Forward and backward."""
    begun = time.perf_counter()
    module.training_loss(batch)[0].backward()
    return time.perf_counter() - begun


def seconds_of_update(module: Training) -> float:
    """Clipping and the optimizer, on copies of the weights; the second time counts, as the first makes its state."""
    weights = [nn.Parameter(weight.detach().clone()) for weight in module.parameters() if weight.requires_grad]
    optimizer = module.optimizer(weights)
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    for _ in range(2):
        begun = time.perf_counter()
        nn.utils.clip_grad_norm_(weights, module.gradient_norm, foreach=True)
        optimizer.step()
    return time.perf_counter() - begun


@torch.no_grad()
def seconds_of_check(module: Training, batch: Batch) -> float:
    """Loss and predictions of a dev batch."""
    module.eval()
    begun = time.perf_counter()
    outputs, lengths = module.model(batch.waveform, batch.lengths)
    module.loss(outputs, lengths, *batch.target)
    module.task.predict(outputs, lengths)
    module.train()
    return time.perf_counter() - begun
