"""How long a training will take is told from some batches, which change nothing."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from asr.training import forecast
from asr.training.forecast import seconds_of_epochs
from asr.training.trial_steps import trial_steps

RATE = 100


class Module(nn.Module):
    """What the forecast asks of a training: here a clock that every part moves on."""

    gradient_norm = 1.0

    def __init__(self, clock) -> None:
        super().__init__()
        self.linear, self.norm, self.clock = nn.Linear(4, 2), nn.BatchNorm1d(2), clock
        self.task = SimpleNamespace(predict=lambda outputs, lengths: self.passes(0.5))

    def passes(self, seconds: float) -> None:
        self.clock.now += seconds

    def optimizer(self, weights):
        clock = self.clock

        class Counting(torch.optim.SGD):
            def step(self, closure=None):
                clock.now += 0.25
                return super().step(closure)

        return Counting(weights, lr=1.0)

    def model(self, waveform, lengths):
        self.passes(0.5)
        return self.norm(self.linear(waveform)), lengths

    def training_loss(self, batch):
        self.passes(batch.cost - 0.5)
        return (self.model(batch.waveform, batch.lengths)[0].sum(),)

    def loss(self, outputs, lengths):
        self.passes(1.0)


def batch(seconds: int, cost: float) -> SimpleNamespace:
    """A batch of so many seconds of audio, whose step takes `cost` seconds."""
    lengths = torch.tensor([seconds * RATE // 2] * 2)
    return SimpleNamespace(waveform=torch.randn(2, 4), lengths=lengths, cost=cost, target=())


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(forecast.time, "perf_counter", lambda: clock.now)
    return clock


def test_steps_updates_and_dev_are_counted(clock):
    module = Module(clock)
    training = [batch(10, 99.0), batch(10, 1.75), batch(20, 2.75), batch(10, 1.75), batch(10, 99.0)]
    dev = [batch(8, 0.0)]
    told = seconds_of_epochs(module, training, dev, "32-true", (400.0, 80.0), RATE, 3)
    of_train = 400 * (1.75 + 2.75 + 1.75 + 3 * 0.25) / 40  # the first batch warms up, the fifth is not asked
    of_dev = 80 * (0.5 + 1.0 + 0.5) / 8
    assert told == pytest.approx(3 * (of_train + of_dev))


def test_a_single_batch_is_enough(clock):
    told = seconds_of_epochs(Module(clock), [batch(10, 1.75)], [batch(8, 0.0)], "32-true", (100.0, 8.0), RATE, 1)
    assert told == pytest.approx(100 * 2.0 / 10 + 2.0)


def test_nothing_of_it_is_kept(clock):
    module = Module(clock).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    seconds_of_epochs(module, [batch(10, 1.0)] * 3, [batch(8, 0.0)], "32-true", (100.0, 8.0), RATE, 1)
    assert module.training
    assert all(weight.grad is None for weight in module.parameters())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_random_numbers_go_on_as_if_nothing_had_been_tried():
    torch.manual_seed(0)
    with trial_steps(nn.Linear(2, 2)):
        torch.rand(5)
    found = torch.rand(1)
    torch.manual_seed(0)
    nn.Linear(2, 2)
    assert torch.equal(found, torch.rand(1))
