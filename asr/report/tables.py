"""Tables as the templates draw them: cells of text, and rates as bars with their intervals as whiskers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from asr.task import Rate

WHISKERS = 2.5  # times the largest rate, as far as a scale goes for intervals

Bar = tuple[float, tuple[float, float] | None]  # a rate, and its interval where it is known


@dataclass(frozen=True)
class Bars:
    """Rates drawn to one scale, from 0 to `end`."""

    bars: Sequence[Bar]
    end: float

    @classmethod
    def of(cls, rate: Rate, bars: Iterable[Bar]) -> "Bars":
        """To the largest error rate, or to all where more is better.

        An interval of few units, which may reach far beyond every rate, does not set the scale.
        """
        bars = list(bars)
        largest = max((value for value, _ in bars), default=0.0)
        if rate.higher_is_better:
            return cls(bars, max(1.0, largest))
        ends = [interval[1] if interval else value for value, interval in bars]
        return cls(bars, min(max(ends, default=0.0), WHISKERS * largest) or 1.0)

    def percentages(self) -> list[tuple[float, tuple[float, float] | None]]:
        """Of the scale: the length of each bar, and where its whiskers begin and how long they are."""
        found: list[tuple[float, tuple[float, float] | None]] = []
        for rate, interval in self.bars:
            low, high = (100 * max(0.0, bound) / self.end for bound in interval or (0.0, 0.0))
            found.append((100 * rate / self.end, (low, high - low) if interval else None))
        return found


@dataclass(frozen=True)
class Table:
    """Columns whose title begins with # hold numbers; bars, where there are any, stand in a last column."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    bars: Bars | None = None
