"""Numbers read from files, which may hold anything."""

from typing import Any, TypeGuard

import numpy as np


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value read from a file can be drawn and written: not null, not NaN, not infinite."""
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def bounds(values: Any) -> tuple[float, float] | None:
    """An interval read from a file; None where it is none."""
    if isinstance(values, list) and len(values) == 2 and all(map(is_number, values)):
        return float(values[0]), float(values[1])
    return None
