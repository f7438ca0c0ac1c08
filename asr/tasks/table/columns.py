"""From the cells of a table to numbers: everything is learnt from training rows, and kept as plain JSON.

A cell may hold several values with colons between, as CREMA-D writes ties: A:D, 62:71.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from asr.errors import UserError, one_line

IQR_REACH = 1.5  # interquartile ranges beyond the quartiles, after which a value is an outlier (Tukey 1977)
LEAST_DEVIATION = 1e-6  # of a column that hardly differs between training rows
MOST_CATEGORIES = 100  # of a column, the most frequent ones
BETWEEN = ":"  # the values of a cell

Cells = Mapping[str, Sequence[str]]  # by column, a text for every row


@dataclass(frozen=True)
class NumberColumn:
    """Clipped to [low, high] (None: not), `fill` where it is missing, then less `mean`, over `deviation`.

    marks_missing: whether a second column says where it is missing, as it is for some training rows.
    """

    name: str
    low: float | None
    high: float | None
    fill: float
    mean: float
    deviation: float
    marks_missing: bool

    @classmethod
    def learn(cls, name: str, cells: Sequence[str], clipped: bool) -> "NumberColumn":
        """From the cells of training rows."""
        values = numbers_of(cells)
        known = values[np.isfinite(values)]
        if not len(known):
            return cls(name, None, None, 0.0, 0.0, 1.0, False)
        low, high = outlier_bounds(known) if clipped else (None, None)
        known = known if low is None else np.clip(known, low, high)
        fill = float(np.median(known))
        filled = np.concatenate([known, np.full(len(values) - len(known), fill)])
        deviation = max(float(filled.std()), LEAST_DEVIATION)
        return cls(name, low, high, fill, float(filled.mean()), deviation, len(known) < len(values))

    @property
    def width(self) -> int:
        return 2 if self.marks_missing else 1

    def encode(self, cells: Sequence[str]) -> np.ndarray:
        """(N,) cells -> (N, 1), or (N, 2) with a mark of what is missing."""
        values = numbers_of(cells)
        missing = ~np.isfinite(values)
        if self.low is not None:
            values = np.clip(values, self.low, self.high)
        values = (np.where(missing, self.fill, values) - self.mean) / self.deviation
        return np.stack([values, missing], axis=1) if self.marks_missing else values[:, None]


@dataclass(frozen=True)
class CategoryColumn:
    """A column of zeros and ones for each value that training rows have; all zeros for one that none of them has."""

    name: str
    values: Sequence[str]

    @classmethod
    def learn(cls, name: str, cells: Sequence[str]) -> "CategoryColumn":
        """From the cells of training rows."""
        counts = Counter(value for cell in cells for value in values_of(cell))
        return cls(name, sorted(value for value, _ in counts.most_common(MOST_CATEGORIES)))

    @property
    def width(self) -> int:
        return len(self.values)

    def encode(self, cells: Sequence[str]) -> np.ndarray:
        """(N,) cells -> (N, values)."""
        different, index = different_cells(cells)
        held = [values_of(cell) for cell in different]
        return np.array([[value in each for value in self.values] for each in held], float)[index]

    def unseen(self, cells: Sequence[str]) -> Counter[str]:
        """How often values stand there that training rows do not have."""
        return Counter(value for cell in cells for value in values_of(cell) if value not in self.values)


@dataclass(frozen=True)
class Encoding:
    """The columns that a model is given, in their order."""

    numbers: Sequence[NumberColumn]
    categories: Sequence[CategoryColumn]

    @classmethod
    def learn(
        cls, cells: Cells, rows: np.ndarray, numbers: Sequence[str], categories: Sequence[str], clipped: Sequence[str]
    ) -> "Encoding":
        """From the training rows (N,) of a table's cells."""
        training = {name: [cells[name][row] for row in rows] for name in (*numbers, *categories)}
        return cls(
            [NumberColumn.learn(name, training[name], name in clipped) for name in numbers],
            [CategoryColumn.learn(name, training[name]) for name in categories],
        )

    @property
    def columns(self) -> Sequence[NumberColumn | CategoryColumn]:
        return [*self.numbers, *self.categories]

    @property
    def width(self) -> int:
        return sum(column.width for column in self.columns)

    def encode(self, cells: Cells) -> np.ndarray:
        """Cells of N rows -> (N, width) in 32 bits; UserError where a column is not there."""
        for column in self.columns:
            if column.name not in cells:
                raise UserError(f"the rows have no column {column.name}, from which the model learnt; add it")
        return np.concatenate([column.encode(cells[column.name]) for column in self.columns], axis=1, dtype=np.float32)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for columns.json."""
        return {key: [asdict(column) for column in getattr(self, key)] for key in ("numbers", "categories")}

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> "Encoding":
        """From what `as_dict` gave; UserError where it is something else."""
        try:
            numbers = [NumberColumn(**column) for column in described["numbers"]]
            categories = [CategoryColumn(**column) for column in described["categories"]]
            check_plain(numbers, categories)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"not the columns of a model ({one_line(error)})") from error
        return cls(numbers, categories)


def check_plain(numbers: Sequence[NumberColumn], categories: Sequence[CategoryColumn]) -> None:
    """Raise ValueError where what was read is not of its kind."""
    for number in numbers:
        bounds = (each for each in (number.low, number.high) if each is not None)
        if not all(isinstance(each, int | float) for each in (number.fill, number.mean, number.deviation, *bounds)):
            raise ValueError(f"{number.name}: no number")
    for category in categories:
        if not isinstance(category.values, list) or not all(isinstance(value, str) for value in category.values):
            raise ValueError(f"{category.name}: no list of texts")


def outlier_bounds(values: np.ndarray) -> tuple[float, float]:
    """[Q1 − 1.5 · IQR, Q3 + 1.5 · IQR] of (N,) values."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(low - IQR_REACH * (high - low)), float(high + IQR_REACH * (high - low))


def different_cells(cells: Sequence[str]) -> tuple[list[str], list[int]]:
    """(N,) cells -> those that differ, and for every cell its place among them."""
    place: dict[str, int] = {}
    index = [place.setdefault(cell, len(place)) for cell in cells]
    return list(place), index


def numbers_of(cells: Sequence[str]) -> np.ndarray:
    """(N,) cells -> (N,) their numbers, NaN where there is none."""
    different, index = different_cells(cells)
    return np.array([number_of(cell) for cell in different])[index]


def number_of(cell: str) -> float:
    """The number of a cell, the mean where it has several; NaN where there is none."""
    try:
        parts = [float(part) for part in values_of(cell)]
    except ValueError:
        return np.nan
    return sum(parts) / len(parts) if parts else np.nan


def values_of(cell: str) -> list[str]:
    """The values of a cell; none where it is missing."""
    return cell.split(BETWEEN) if cell else []
