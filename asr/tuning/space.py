"""What a search varies: any keys of train.py, as conf/search/*.yaml describes them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna

from asr.errors import UserError

Point = dict[str, Any]  # the values of a trial's parameters, by their names
Configuration = Mapping[str, Any]  # of train.py as nested dicts; `choices` holds the chosen file of every group
KINDS = "a list of values, {low, high[, log][, step]}, {choices: {VALUE: SPACE}} or {subset: {MEMBER: SPACE}}"


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both included; whole where both are."""

    key: str
    name: str
    low: float
    high: float
    log: bool
    step: float | None

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def distribution(self) -> optuna.distributions.BaseDistribution:
        if self.whole:
            return optuna.distributions.IntDistribution(int(self.low), int(self.high), self.log, int(self.step or 1))
        return optuna.distributions.FloatDistribution(self.low, self.high, self.log, self.step)

    def suggest(self, trial: optuna.Trial) -> list[str]:
        if self.whole:
            value: float = trial.suggest_int(
                self.name, int(self.low), int(self.high), step=int(self.step or 1), log=self.log
            )
        else:
            value = trial.suggest_float(self.name, self.low, self.high, step=self.step, log=self.log)
        return [f"{self.key}={value}"]

    def point_of(self, configuration: Configuration) -> Point | None:
        """The value that a configuration has; None where it is not in the range."""
        value = value_at(configuration, self.key)
        return {self.name: value} if self.contains(value) else None

    def contains(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        step = self.step or (1 if self.whole and not self.log else None)
        if step is None:
            return not self.whole or value == int(value)
        steps = (value - self.low) / step
        return abs(steps - round(steps)) < 1e-8  # as Optuna compares


@dataclass(frozen=True)
class Choices:
    """One of several values, each with a space of its own."""

    key: str
    name: str
    spaces: Mapping[Any, "Space"]

    @property
    def distribution(self) -> optuna.distributions.BaseDistribution:
        return optuna.distributions.CategoricalDistribution(list(self.spaces))

    def suggest(self, trial: optuna.Trial) -> list[str]:
        value = trial.suggest_categorical(self.name, list(self.spaces))
        return [f"{self.key}={as_override(value)}", *self.spaces[value].suggest(trial)]

    def point_of(self, configuration: Configuration) -> Point | None:
        chosen = configuration["choices"]
        value = chosen[self.key] if self.key in chosen else value_at(configuration, self.key)
        for choice, space in self.spaces.items():
            if choice == value or (isinstance(value, list) and as_override(choice) == as_override(value)):
                more = space.point_of(configuration)
                return None if more is None else {self.name: choice} | more
        return None


@dataclass(frozen=True)
class Subset:
    """Some of several members of a list, such as augment; each is a parameter of its own, on or off."""

    key: str
    name: str
    spaces: Mapping[str, "Space"]

    def suggest(self, trial: optuna.Trial) -> list[str]:
        chosen, more = [], []
        for member, space in self.spaces.items():
            if trial.suggest_categorical(self.name_of(member), [True, False]):
                chosen.append(member)
                more += space.suggest(trial)
        return [f"{self.key}={as_group_override(chosen)}", *more]

    def name_of(self, member: str) -> str:
        return f"{self.name}.{member}"

    def point_of(self, configuration: Configuration) -> Point | None:
        members = list(value_at(configuration, self.key) or ())
        if set(members) - set(self.spaces):
            return None
        values: Point = {self.name_of(member): member in members for member in self.spaces}
        for member in members:
            more = self.spaces[member].point_of(configuration)
            if more is None:
                return None
            values |= more
        return values


Dimension = Range | Choices | Subset


@dataclass(frozen=True)
class Space:
    """Dimensions that are varied together."""

    dimensions: Sequence[Dimension]

    def suggest(self, trial: optuna.Trial) -> list[str]:
        """train.py's overrides for one trial, drawn by the study's sampler."""
        return [override for dimension in self.dimensions for override in dimension.suggest(trial)]

    def point_of(self, configuration: Configuration) -> Point | None:
        """The parameters that a configuration amounts to; None where it lies outside."""
        found: Point = {}
        for dimension in self.dimensions:
            values = dimension.point_of(configuration)
            if values is None:
                return None
            found |= values
        return found

    def overrides(self, values: Point) -> list[str]:
        """train.py's overrides for given parameters; UserError where one is missing or outside its range."""
        try:
            return self.suggest(optuna.trial.FixedTrial(values))  # type: ignore[arg-type]  # suggests alike
        except ValueError as error:
            raise UserError(f"{values}: not a point of the search ({error})") from error


def value_at(configuration: Configuration, key: str) -> Any:
    """The value of a key such as encoder.layers; None where there is none."""
    node: Any = configuration
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def as_override(value: Any) -> str:
    """A value as it is written after the = of an override."""
    if isinstance(value, list):
        return "[" + ",".join(map(as_override, value)) + "]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def as_group_override(members: Sequence[str]) -> str:
    return f"[{','.join(members)}]" if members else "none"


def read_space(described: Mapping[str, Any], fixed: Sequence[str] = (), within: str = "") -> Space:
    """The space that a search file describes, less what the overrides `fixed` of train.py settle.

    within: the choice whose space it is, which tells its parameters apart from those of others. Raises UserError
    naming the key whose description is no space.
    """
    settled = {key: value for key, _, value in (override.partition("=") for override in fixed)}
    found: list[Dimension] = []
    if not isinstance(described, Mapping):
        raise UserError(f"search.space{within and f' ({within})'}: {described!r} is no space; write KEY: {KINDS}")
    for key, description in described.items():
        name = f"{key} ({within})" if within else str(key)
        dimension = read_dimension(str(key), name, description, fixed)
        if key not in settled:
            found.append(dimension)
        elif isinstance(dimension, Choices):  # what goes with the chosen one stays open
            found += [
                d
                for choice, space in dimension.spaces.items()
                if as_override(choice) == settled[key]
                for d in space.dimensions
            ]
        elif isinstance(dimension, Subset):
            members = settled[key].strip("[]").split(",")
            found += [d for member, space in dimension.spaces.items() if member in members for d in space.dimensions]
    return Space(found)


def read_dimension(key: str, name: str, description: Any, fixed: Sequence[str]) -> Dimension:
    if isinstance(description, list):
        description = {"choices": {choice_of(value): None for value in description}}
    if not isinstance(description, Mapping):
        raise UserError(f"search.space.{key}: {description!r} is no range of values; write {KINDS}")
    for kind, make in (("choices", Choices), ("subset", Subset)):
        if kind in description:
            parts = description[kind]
            check_keys(key, description, {kind})
            if isinstance(parts, list):
                parts = dict.fromkeys(parts)
            if not isinstance(parts, Mapping) or not parts:
                raise UserError(f"search.space.{key}: {kind} is empty; write {KINDS}")
            return make(key, name, {part: read_space(below or {}, fixed, str(part)) for part, below in parts.items()})
    check_keys(key, description, {"low", "high", "log", "step"})
    if "low" not in description or "high" not in description:
        raise UserError(f"search.space.{key}: low and high are both wanted; write {KINDS}")
    log, step = description.get("log", False), description.get("step")
    made = Range(key, name, description["low"], description["high"], log, step)
    check_range(made)
    return made


def choice_of(value: Any) -> Any:
    """A value that Optuna can store: a list becomes its text in an override."""
    return as_override(value) if isinstance(value, list) else value


def check_keys(key: str, description: Mapping, known: set[str]) -> None:
    for word in description:
        if word not in known:
            raise UserError(f"search.space.{key}: {word} is not known beside {', '.join(sorted(known))}; write {KINDS}")


def check_range(made: Range) -> None:
    wrong = None
    numbers = (made.low, made.high) if made.step is None else (made.low, made.high, made.step)
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers):
        wrong = "numbers are wanted"
    elif not all(map(math.isfinite, numbers)):
        wrong = "finite numbers are wanted"
    elif made.low > made.high:
        wrong = "low is above high"
    elif not isinstance(made.log, bool):
        wrong = f"log is true or false, not {made.log}"
    elif made.log and made.low <= 0:
        wrong = "a logarithmic range begins above 0"
    elif made.step is not None and (made.log or made.step <= 0):
        wrong = "a step is above 0, and not of a logarithmic range"
    elif made.whole and made.step is not None and not isinstance(made.step, int):
        wrong = "the step between whole numbers is a whole number"
    if wrong:
        raise UserError(f"search.space.{made.key}: {made.low} to {made.high}: {wrong}")
