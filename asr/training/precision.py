"""Whether bf16 is faster and exact enough here: measured, as both depend on encoder, processor and kernels."""

import time
from collections.abc import Callable

import torch

GAIN = 1.15  # bf16 is taken where it is at least this much faster: less is noise, and 32 bits are exact
NEAR = 0.02  # and where its loss is this near the one in 32 bits: untrained, all encoders here are within 0.002


def faster_precision(step: Callable[[], torch.Tensor], device: torch.device, trials: int = 6) -> tuple[str, str]:
    """('bf16-mixed' or '32-true', why), from training steps in turn on `device`, each pair with equal random numbers.

    `step` computes a loss; its gradients are made and thrown away. The fastest step of each counts: what else runs on
    the machine only ever makes steps slower.
    """
    if device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return "32-true", "this device does not compute in bf16"
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for trial in range(trials + 1):
        losses = []
        for half in (False, True):
            torch.manual_seed(trial)
            begun = time.perf_counter()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                loss = step()
            loss.backward()
            losses.append(float(loss.detach()))  # waits for the device
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if trial:  # the first one of each warms up
                seconds[half].append(time.perf_counter() - begun)
        exact, rounded = losses
        if not abs(rounded - exact) <= NEAR * abs(exact):
            return "32-true", f"the loss of a batch is {exact:.4g} in 32 bits and {rounded:.4g} in bf16 here"
    gain = min(seconds[False]) / min(seconds[True])
    precision = "bf16-mixed" if gain >= GAIN else "32-true"
    return precision, f"a step in bf16 is {gain:.2f} times as fast as in 32 bits here"
