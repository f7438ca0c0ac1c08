"""The budget of a training, in epochs or minutes, counted over interruptions; the learning rate follows it."""

import time
from collections.abc import Callable

import pytorch_lightning as lightning
import torch


class Budget(lightning.Callback):
    """Ends training after `minutes` of wall time (validation included) or `epochs`, whichever is given.

    Counts seconds and audio, carries both through a checkpoint, sets every step's learning rate from `schedule`, and
    holds augmentation back for the first share `augment_from`: CTC leaves its plateau of blanks sooner without.
    """

    def __init__(
        self,
        schedule: Callable[[int, float], float],
        minutes: float | None,
        epochs: int | None,
        audio_seconds_per_epoch: float,
        sample_rate: int,
        augment_from: float = 0.0,
    ) -> None:
        self.augment_from = augment_from  # share of the budget
        self.schedule, self.minutes, self.epochs = schedule, minutes, epochs
        self.audio_seconds_per_epoch, self.sample_rate = audio_seconds_per_epoch, sample_rate
        self.seconds_before = 0.0  # of earlier, interrupted fits
        self.audio_seconds = 0.0
        self.step_seconds = 0.0  # in training batches alone, loading included, validation left out
        self.waited_seconds = 0.0  # of step_seconds, for batches
        self.waited_mark = 0.0
        self.epochs_done = 0
        self.started: float | None = None
        self.resumed_at = 0.0

    @property
    def seconds(self) -> float:
        return self.seconds_before + (time.monotonic() - self.started if self.started is not None else 0.0)

    @property
    def spent(self) -> float:
        """Share of the budget gone, 0 to 1."""
        by_time = self.seconds / (60 * self.minutes) if self.minutes else 0.0
        by_audio = self.audio_seconds / (self.epochs * self.audio_seconds_per_epoch) if self.epochs else 0.0
        return min(1.0, max(by_time, by_audio))

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None before the first step."""
        if self.minutes:
            return max(0.0, 60 * self.minutes - self.seconds)
        return self.seconds * (1 - self.spent) / self.spent if self.spent else None

    @property
    def throughput(self) -> float:
        """Audio seconds trained on per second of training steps."""
        return self.audio_seconds / self.step_seconds if self.step_seconds else 0.0

    @property
    def waiting(self) -> float:
        """The share of the time in training batches that went by in waiting for data, 0 to 1."""
        return self.waited_seconds / self.step_seconds if self.step_seconds else 0.0

    def on_train_start(self, trainer, module) -> None:
        self.started = time.monotonic()

    def on_train_epoch_start(self, trainer, module) -> None:
        self.resumed_at = time.monotonic()
        self.waited_mark = trainer.train_dataloader.waited_s

    def on_train_batch_start(self, trainer, module, batch, index) -> None:
        module.augment.active = self.spent >= self.augment_from
        for group in trainer.optimizers[0].param_groups:
            group.setdefault("peak_lr", group["lr"])
            group["lr"] = group["peak_lr"] * self.schedule(trainer.global_step, self.spent)

    def on_train_batch_end(self, trainer, module, outputs, batch, index) -> None:
        if torch.cuda.is_available() and trainer.is_last_batch:
            torch.cuda.synchronize()
        now = time.monotonic()
        self.step_seconds += now - self.resumed_at
        self.resumed_at = now
        waited_s = trainer.train_dataloader.waited_s
        self.waited_seconds += waited_s - self.waited_mark
        self.waited_mark = waited_s
        self.audio_seconds += float(batch.lengths.sum()) / self.sample_rate * trainer.world_size
        if self.minutes:
            # all devices stop together
            over = self.seconds >= 60 * self.minutes
            trainer.should_stop |= trainer.strategy.reduce_boolean_decision(over, all=False)

    def on_train_epoch_end(self, trainer, module) -> None:
        self.epochs_done = trainer.current_epoch + 1

    def state_dict(self) -> dict:
        return {
            "seconds": self.seconds,
            "audio_seconds": self.audio_seconds,
            "step_seconds": self.step_seconds,
            "waited_seconds": self.waited_seconds,
            "epochs": self.epochs_done,
        }

    def load_state_dict(self, state: dict) -> None:
        self.seconds_before, self.audio_seconds = state["seconds"], state["audio_seconds"]
        self.step_seconds, self.epochs_done = state["step_seconds"], state["epochs"]
        self.waited_seconds = state["waited_seconds"]
