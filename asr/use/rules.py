"""Rules over labels: what several labels of one recording mean together, read from a file of plain YAML.

    - if: {emotion: sad, video: smile}
      then: irony
    - if: {emotion: [angry, uncertain], gender: female}   # any of these
      then: ask again

The first rule whose conditions all hold decides. A rule without conditions always holds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from asr.configuration.overrides import did_you_mean
from asr.errors import UserError

KEYS = ("if", "then")


@dataclass(frozen=True)
class Rule:
    """number: its place in the file, from 1; conditions: by the name of a label, the values that it may have."""

    number: int
    conditions: Mapping[str, tuple[str, ...]]
    conclusion: str

    def holds(self, labels: Mapping[str, str]) -> bool:
        """labels: by their names; one that is missing fulfils no condition."""
        return all(labels.get(name) in values for name, values in self.conditions.items())


def first_rule(rules: Sequence[Rule], labels: Mapping[str, str]) -> Rule | None:
    """The first rule that holds; None where none does."""
    return next((rule for rule in rules if rule.holds(labels)), None)


def read_rules(path: Path) -> list[Rule]:
    """The rules of a file; UserError naming the file and the rule where it is not as it should be."""
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise UserError(f"{path}: {line}no YAML ({error.problem}); mend it there") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise UserError(f"{path}: cannot be read ({reason}); give a text file of rules") from error
    if not isinstance(found, list) or not found:
        raise UserError(f"{path}: no list of rules; begin every rule with '- if: {{emotion: sad}}' and 'then: …' below")
    return [rule_of(each, number, f"{path}: rule {number}") for number, each in enumerate(found, start=1)]


def rule_of(found: object, number: int, where: str) -> Rule:
    """A rule as YAML gives it; where: how an error begins."""
    if not isinstance(found, dict):
        raise UserError(f"{where}: no rule; write 'if: {{emotion: sad}}' and below it 'then: …'")
    for key in found:
        if key not in KEYS:
            raise UserError(f"{where}: {key}: no such key{did_you_mean(str(key), KEYS)}; a rule has if and then")
    for key in KEYS:
        if key not in found:
            raise UserError(f"{where}: has no {key}; a rule has if and then")
    conditions = found["if"]
    if not isinstance(conditions, dict):
        raise UserError(f"{where}: if: no conditions; write them as {{emotion: sad, gender: female}}, or {{}} for none")
    wanted = {text_of(name, f"{where}: if"): values_of(each, f"{where}: {name}") for name, each in conditions.items()}
    return Rule(number, wanted, text_of(found["then"], f"{where}: then"))


def values_of(found: object, where: str) -> tuple[str, ...]:
    """One value or several."""
    values = found if isinstance(found, list) else [found]
    if not values:
        raise UserError(f"{where}: no values; give one, or several as [sad, angry]")
    return tuple(text_of(each, where) for each in values)


def text_of(value: object, where: str) -> str:
    """A label as text; a number as it is written."""
    if isinstance(value, bool):
        raise UserError(f"{where}: yes, no, on, off, true and false mean something else to YAML; put quotes round it")
    if isinstance(value, int | float) or (isinstance(value, str) and value.strip()):
        return str(value)
    if value is None or value == "":
        raise UserError(f"{where}: is empty; write a word there")
    raise UserError(f"{where}: {value} is no text; put quotes round it")


def given_labels(texts: Sequence[str]) -> dict[str, str]:
    """`video=smile` -> what is known of recordings beside what models find; UserError for what is none."""
    found: dict[str, str] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value:
            raise UserError(f"--given {text}: write it as name=value, such as video=smile")
        if name in found:
            raise UserError(f"--given {text}: {name} is given already, as {found[name]}; give it once")
        found[name] = value
    return found


def why_never(rules: Sequence[Rule], known: Mapping[str, Collection[str]]) -> list[str]:
    """Of rules that cannot hold, why: they want a label, or a value of it, that there is none of.

    known: by the name of every label the values that it can have.
    """
    found = []
    for rule in rules:
        for name, values in rule.conditions.items():
            if name not in known:
                hint = did_you_mean(name, list(known))
                found.append(f"rule {rule.number} never holds: nothing tells {name}{hint}")
                break
            if not set(values) & set(known[name]):
                hint = did_you_mean(values[0], list(known[name]))
                found.append(f"rule {rule.number} never holds: {name} is never {' or '.join(values)}{hint}")
                break
    return found
