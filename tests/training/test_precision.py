"""Which precision a training takes of itself."""

import time

import torch

from asr.training.precision import faster_precision

CPU = torch.device("cpu")


def step(seconds_in_32: float = 0.0, seconds_in_bf16: float = 0.0, off_in_bf16: float = 0.0):
    """A training step that takes its time and, in bf16, errs by a share of its loss."""
    weight = torch.ones((), requires_grad=True)

    def run() -> torch.Tensor:
        half = torch.is_autocast_enabled("cpu")
        time.sleep(seconds_in_bf16 if half else seconds_in_32)
        return weight * (1 + torch.rand(())) * (1 + off_in_bf16 * half)

    return run


def test_the_faster_one_is_taken():
    assert faster_precision(step(seconds_in_32=0.03), CPU)[0] == "bf16-mixed"
    assert faster_precision(step(seconds_in_bf16=0.03), CPU)[0] == "32-true"


def test_a_faster_one_that_is_wrong_is_not():
    for off in (float("nan"), float("inf"), 0.2):
        precision, why = faster_precision(step(seconds_in_32=0.03, off_in_bf16=off), CPU)
        assert precision == "32-true"
        assert "in 32 bits and" in why
