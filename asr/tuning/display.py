"""What a person sees of a sweep: a table that grows, or lines where the output is no terminal."""

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from asr.screen import as_text, clock, percent
from asr.task import Rate
from asr.tuning.pruning import RUNGS
from asr.tuning.sweep import Sweep
from asr.tuning.trials import STATES, dev_rate

ROWS = 16  # of the latest trials, where the terminal is high enough
AROUND_A_TABLE = 5  # lines: title, head, rules, and a best trial that takes a second one
STYLES = {TrialState.PRUNED: "dim", TrialState.FAIL: "red", TrialState.RUNNING: "cyan", TrialState.WAITING: "dim"}


class SweepDisplay:
    """Shows the trials of a sweep and, once they have started, the finals. Use as a context."""

    def __init__(self, console: Console, sweep: Sweep, until: float) -> None:
        self.console, self.sweep, self.until = console, sweep, until
        self.live: Live | None = None
        self.printed: set[tuple[str, int]] = set()

    def __enter__(self) -> "SweepDisplay":
        if self.console.is_terminal:
            self.live = Live(console=self.console, auto_refresh=False)
            self.live.start()
        return self

    def __exit__(self, *error) -> None:
        if self.live:
            self.live.stop()

    def print_line(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def show(self, trials: Sequence[FrozenTrial], finals: Sequence[FrozenTrial]) -> None:
        if self.live:
            self.live.update(self.layout(trials, finals), refresh=True)
            return
        for kind, some in (("trial", trials), ("final", finals)):
            for trial in some:
                if trial.state.is_finished() and (kind, trial.number) not in self.printed:
                    self.printed.add((kind, trial.number))
                    line = line_of(trial, self.sweep.rate)
                    self.print_line(f"{kind} {trial.number:3d}  {line}  {self.time_left(trials, finals)}")

    def layout(self, trials: Sequence[FrozenTrial], finals: Sequence[FrozenTrial]) -> Group:
        below = [("finals: the best few, with other seeds", finals)] if finals else []
        room = self.console.size.height - 2 - AROUND_A_TABLE * (1 + len(below))  # a terminal cuts off what is too high
        of_finals = min(len(finals), ROWS, max(2, room // 2))
        parts: list[Any] = [self.table(f"search={self.sweep.name}", trials, max(2, min(ROWS, room - of_finals)))]
        parts += [self.table(title, some, of_finals) for title, some in below]
        return Group(Text(self.headline(trials, finals)), *parts)

    def table(self, title: str, trials: Sequence[FrozenTrial], rows: int) -> Table:
        """The latest rows, and the best, which alone may take several lines."""
        table = Table(title=title, title_justify="left", expand=True, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("trial", justify="right", no_wrap=True)
        table.add_column("values", ratio=1)
        table.add_column(f"dev {self.sweep.rate.title}", justify="right", no_wrap=True)
        table.add_column("time", justify="right", no_wrap=True)
        table.add_column("", max_width=max(8, self.console.width // 4))
        done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        best = min(done, key=lambda trial: self.sweep.costs(trial.values)[0], default=None)
        latest = [trial for trial in trials if trial.state != TrialState.WAITING][-rows:]
        if best is not None and best not in latest:
            latest[:1] = [best]
        for trial in latest:
            state, style = STATES[trial.state], STYLES.get(trial.state, "")
            name = f"* {trial.number}" if trial is best else str(trial.number)
            values = Text(values_of(trial), no_wrap=trial is not best, overflow="ellipsis")
            outcome = Text(outcome_of(trial, state), no_wrap=True, overflow="ellipsis")
            table.add_row(name, values, rate_of(trial, self.sweep.rate), clock(seconds_of(trial)), outcome, style=style)
        waiting = sum(trial.state == TrialState.WAITING for trial in trials)
        if waiting:
            table.add_row("", f"{waiting} more wait", "", "", "", style="dim")
        return table

    def headline(self, trials: Sequence[FrozenTrial], finals: Sequence[FrozenTrial]) -> str:
        done = [trial.values for trial in trials if trial.state == TrialState.COMPLETE]
        best = f"best {min(done, key=self.sweep.costs)[0]:.4g}" if done else "no trial is done yet"
        counts = ", ".join(
            f"{number} {word}"
            for state, word in STATES.items()
            if (number := sum(trial.state == state for trial in trials))
        )
        return f"{best}; {counts}; {self.time_left(trials, finals)}"

    def time_left(self, trials: Sequence[FrozenTrial], finals: Sequence[FrozenTrial]) -> str:
        """How long it will take, by the budget or by the pace so far."""
        if self.until != float("inf"):
            return f"{clock(max(0.0, self.until - time.time()))} left"
        ended = [seconds_of(trial) for trial in trials if trial.state.is_finished() and trial.datetime_start]
        whole = [seconds_of(trial) for trial in trials if trial.state == TrialState.COMPLETE and trial.datetime_start]
        if not whole:
            return "time left not known yet"
        total = self.sweep.trials or sum(trial.state != TrialState.FAIL for trial in trials)
        ahead = max(0, total - len(ended)) * sum(ended) / len(ended)
        ahead += max(0, self.sweep.final_trainings - sum(trial.state.is_finished() for trial in finals)) * median(whole)
        return f"about {clock(ahead / self.sweep.workers)} left"


def line_of(trial: FrozenTrial, rate: Rate) -> str:
    outcome = outcome_of(trial, STATES[trial.state])
    return f"{outcome:8} dev {rate.title} {rate_of(trial, rate):>7}  {clock(seconds_of(trial))}  {values_of(trial)}"


def outcome_of(trial: FrozenTrial, state: str) -> str:
    """What became of a trial; of one under way, how much of its budget is spent."""
    reason = trial.user_attrs.get("reason", "")
    if trial.state == TrialState.RUNNING and trial.intermediate_values:
        return f"{max(trial.intermediate_values) / RUNGS:.0%}"
    return f"{state}: {reason}" if reason and trial.state == TrialState.FAIL else state


def values_of(trial: FrozenTrial) -> str:
    """A trial's parameters in short: the last word of each key."""
    if "final" in trial.user_attrs:
        label = trial.user_attrs.get("label", f"candidate {trial.user_attrs['final'][0]}")
        return f"{label}, seed {trial.user_attrs['final'][1]}"
    return " ".join(f"{last_key(name)}={as_text(value)}" for name, value in trial.params.items())


def last_key(name: str) -> str:
    return name.split(" (")[0].rpartition(".")[2]


def rate_of(trial: FrozenTrial, rate: Rate) -> str:
    return percent(dev_rate(trial, rate.name))


def seconds_of(trial: FrozenTrial) -> float:
    if trial.datetime_start is None:
        return 0.0
    end = trial.datetime_complete.timestamp() if trial.datetime_complete else time.time()
    return end - trial.datetime_start.timestamp()
