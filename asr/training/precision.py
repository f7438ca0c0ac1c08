"""Whether 16-bit arithmetic pays here: measured, because it depends on the encoder and on the processor."""

import time
from collections.abc import Callable

import torch

GAIN = 1.15  # bf16 is taken where it is at least this much faster: less is noise, and 32 bits are exact


def faster_precision(step: Callable[[], torch.Tensor], device: torch.device, trials: int = 6) -> tuple[str, float]:
    """('bf16-mixed' or '32-true', how many times faster bf16 was), from training steps in turn on `device`.

    `step` computes a loss; its gradients are made and thrown away. The fastest step of each counts: what else runs on
    the machine only ever makes steps slower.
    """
    if device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return "32-true", 0.0
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for trial in range(trials + 1):
        for half in (False, True):
            begun = time.perf_counter()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                loss = step()
            loss.backward()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if trial:  # the first one of each warms up
                seconds[half].append(time.perf_counter() - begun)
    gain = min(seconds[False]) / min(seconds[True])
    return ("bf16-mixed" if gain >= GAIN else "32-true"), gain
