"""What a person sees of a training: a live line on a terminal, a line an epoch elsewhere."""

import time
from collections.abc import Sequence

import pytorch_lightning as lightning
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from asr.screen import clock
from asr.task import Rate
from asr.training.budget import Budget


class ProgressDisplay(lightning.Callback):
    """Loss, dev rate and time left; every validation leaves a line behind, so that the log tells the story too.

    monitor: the rate of dev that the best is told by; rates: those that a line shows.
    """

    def __init__(
        self,
        console: Console,
        budget: Budget,
        monitor: Rate,
        rates: Sequence[Rate],
        interval_s: float = 0.5,
        silent_s: float = 5.0,
    ) -> None:
        self.console, self.budget, self.monitor, self.rates = console, budget, monitor, rates
        self.interval_s, self.silent_s = interval_s, silent_s  # between refreshes; between lines where not a terminal
        self.live: Live | None = None
        self.refreshed = self.printed = 0.0
        self.best: float | None = None

    def on_train_start(self, trainer, module) -> None:
        if trainer.is_global_zero and self.console.is_terminal:
            self.live = Live(console=self.console, auto_refresh=False, transient=True)
            self.live.start()

    def on_train_batch_end(self, trainer, module, outputs, batch, index) -> None:
        if self.live and time.monotonic() - self.refreshed > self.interval_s:
            self.refreshed = time.monotonic()
            self.live.update(self.bar(trainer), refresh=True)

    def bar(self, trainer) -> Table:
        metrics, spent = trainer.callback_metrics, self.budget.spent
        width = 30
        line = Text("█" * int(spent * width), "green").append("░" * (width - int(spent * width)), "dim")
        grid = Table.grid(padding=(0, 2))
        grid.add_row(
            line,
            f"{spent:4.0%}",
            f"epoch {trainer.current_epoch + 1}",
            f"loss {or_dash(metrics.get('loss/train_step', metrics.get('loss/train')), '.3f')}",
            f"dev {self.monitor.title} {or_dash(metrics.get(f'{self.monitor.name}/dev'), '.1%')}",
            f"best {or_dash(self.best, '.1%')}",
            f"{self.budget.throughput:.0f} s/s",
            f"left {clock(self.budget.seconds_left)}",
        )
        return grid

    def on_train_epoch_end(self, trainer, module) -> None:
        metrics = trainer.callback_metrics
        if not trainer.is_global_zero or "loss/dev" not in metrics:
            return
        rate = float(metrics[f"{self.monitor.name}/dev"])
        better = self.best is None or self.monitor.cost(rate) < self.monitor.cost(self.best)
        self.best = rate if better else self.best
        if not (self.live or better or time.monotonic() - self.printed > self.silent_s):
            return
        self.printed = time.monotonic()
        rates = "   ".join(f"{rate.title} {or_dash(metrics[f'{rate.name}/dev'], '6.1%')}" for rate in self.rates)
        self.console.print(
            f"epoch {trainer.current_epoch + 1:4d}   step {trainer.global_step:6d}   "
            f"loss {or_dash(metrics.get('loss/train_epoch'), '6.3f')}   "
            f"dev loss {or_dash(metrics['loss/dev'], '6.3f')}   "
            f"dev {rates}   "
            f"{self.budget.throughput:5.0f} audio s/s   {clock(self.budget.seconds)} gone, "
            f"{clock(self.budget.seconds_left)} left{'   *' if better else ''}",
            highlight=False,
            soft_wrap=True,
        )

    def stop(self) -> None:
        if self.live:
            self.live.stop()
            self.live = None

    def on_train_end(self, trainer, module) -> None:
        self.stop()

    def on_exception(self, trainer, module, exception) -> None:
        self.stop()


def or_dash(value, form: str) -> str:
    return "–" if value is None else format(float(value), form)
