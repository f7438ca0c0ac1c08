"""What commands say on a terminal: notes, progress bars, times."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def clock(seconds: float | None) -> str:
    """Seconds as h:mm:ss or m:ss."""
    if seconds is None:
        return "–"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def as_text(value: Any) -> str:
    """A value for a table: a number with a fraction in four figures, anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def percent(fraction: float | None) -> str:
    """4.20% for 0.042."""
    return "–" if fraction is None else f"{fraction:.2%}"


def console() -> Console:
    """Standard error, so that standard output stays for results."""
    return Console(file=sys.stderr)


def print_notes(screen: Console, notes: Iterable[str | None]) -> None:
    """A line each, left whole."""
    for note in filter(None, notes):
        screen.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)


@contextmanager
def progress_bar(screen: Console, what: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar, on a terminal, that the yielded `(done, total)` moves."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
