"""Points of a space: every one of it, and those that a check has to try."""

from collections.abc import Iterator, Sequence
from typing import Any

from asr.errors import UserError
from asr.tuning.space import Point, Space


def every_point(space: Space) -> Iterator[Point]:
    """All combinations, in the order that they are written in; UserError where a range has no steps."""
    taken: list[int] = []  # which of its candidates each parameter takes, in the order that they are suggested in
    while True:
        walk = _GivenChoices(taken)
        space.suggest(walk)  # type: ignore[arg-type]  # suggests alike
        yield walk.values
        taken = [place for place, _ in walk.steps]
        while taken and taken[-1] + 1 == walk.steps[len(taken) - 1][1]:
            taken.pop()
        if not taken:
            return
        taken[-1] += 1


class _GivenChoices:
    """Answers with the candidates that `taken` points at, then with the first ones."""

    def __init__(self, taken: Sequence[int]) -> None:
        self.taken, self.steps, self.values = taken, list[tuple[int, int]](), Point()

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        place = self.taken[len(self.steps)] if len(self.steps) < len(self.taken) else 0
        self.steps.append((place, len(choices)))
        self.values[name] = choices[place]
        return choices[place]

    def suggest_int(self, name: str, low: int, high: int, step: int = 1, log: bool = False) -> int:
        return self.suggest_categorical(name, range(low, high + 1, step))

    def suggest_float(self, name: str, low: float, high: float, step: float | None = None, log: bool = False) -> float:
        if step is None:
            raise UserError(f"search.space: {name} is a range without steps; a grid needs a list of values, or a step")
        return self.suggest_categorical(
            name, [low + step * number for number in range(int((high - low) / step + 1e-9) + 1)]
        )


def corners(space: Space) -> Iterator[list[str]]:
    """Overrides that between them hold every choice, with both ends of the ranges that go with it."""
    todo: list[Point] = [{}]
    tried: set[str] = set()
    while todo:
        wanted = todo.pop(0)
        for low in (True, False):
            corner = _EndsOfRanges(wanted, low)
            yield space.suggest(corner)  # type: ignore[arg-type]  # suggests alike
            for name in corner.choices.keys() - tried:
                tried.add(name)
                todo += [corner.before[name] | {name: choice} for choice in corner.choices[name][1:]]


class _EndsOfRanges:
    """Answers with one end of every range, and with the first choice where none is wanted."""

    def __init__(self, wanted: Point, low: bool) -> None:
        self.wanted, self.low = wanted, low
        self.values: Point = {}
        self.choices: dict[str, Sequence[Any]] = {}
        self.before: dict[str, Point] = {}  # the choices that led to a choice

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        self.before[name], self.choices[name] = dict(self.values), choices
        self.values[name] = self.wanted.get(name, choices[0])
        return self.values[name]

    def suggest_int(self, name: str, low: int, high: int, **_: Any) -> int:
        return low if self.low else high

    def suggest_float(self, name: str, low: float, high: float, **_: Any) -> float:
        return low if self.low else high
