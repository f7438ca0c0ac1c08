"""Numbers as a report writes them."""

from typing import Any

from asr.evaluation.numbers import bounds, is_number

NONE = "–"


def percent(fraction: object) -> str:
    """4.2 % for 0.042; a dash for what is no number."""
    return f"{100 * fraction:.1f} %" if is_number(fraction) else NONE


def count(value: object) -> str:
    """Thousands set apart by a thin space."""
    return f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else NONE


def interval(values: Any) -> str:
    """3.1 – 5.4 % for [0.031, 0.054]; nothing for what is no interval."""
    found = bounds(values)
    return f"{percent(found[0])[:-2]} – {percent(found[1])}" if found else ""


def probability(p: float) -> str:
    """0.034; below 0.001 where it is."""
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def clock(seconds: float) -> str:
    """1 h 02 min, 3 min 07 s, 12 s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def points(difference: float) -> str:
    """+1.2 for a rate that is 0.012 more."""
    return f"{100 * difference:+.1f}"
