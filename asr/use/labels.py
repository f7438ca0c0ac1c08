"""Several classifiers asked of one recording, and what their labels mean together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from asr.errors import UserError
from asr.evaluation.coverage import UNCERTAIN
from asr.use.load import load
from asr.use.rules import Rule, first_rule


@runtime_checkable
class GivesLabels(Protocol):
    """What names labels of recordings, how probable each is, and the probabilities of all its values."""

    @property
    def values(self) -> Mapping[str, Sequence[str]]: ...

    def classify_each(
        self, paths: Iterable[str | Path], least_probability: float | None = None
    ) -> Sequence[Mapping[str, Any]]: ...


@dataclass(frozen=True)
class LabelledRecording:
    """What is known of a recording: what models found, and what was given, by the label's name; the rule that holds."""

    path: str
    found: Mapping[str, Any]
    given: Mapping[str, str] = field(default_factory=dict)
    rule: Rule | None = None

    def as_dict(self) -> dict[str, Any]:
        labels = {
            name: {"label": each.label, "confidence": each.confidence, "probabilities": each.probabilities}
            for name, each in self.found.items()
        }
        conclusion = {"conclusion": self.rule.conclusion, "rule": self.rule.number} if self.rule else {}
        none = {"conclusion": None, "rule": None}
        return {"path": self.path, "labels": labels, "given": dict(self.given)} | none | conclusion

    def __str__(self) -> str:
        cells = [f"{name} {in_words(each)}" for name, each in self.found.items()]
        return "\t".join([self.path, *cells, *([self.rule.conclusion] if self.rule else [])])


def in_words(found: Any) -> str:
    """sad 71 %; uncertain (sad 35 %)."""
    likeliest = max(found.probabilities, key=lambda label: found.probabilities[label])
    sure = f"{likeliest} {100 * found.confidence:.0f} %"
    return f"{UNCERTAIN} ({sure})" if found.label == UNCERTAIN != likeliest else sure


def open_classifiers(folders: Sequence[Path]) -> dict[str, GivesLabels]:
    """Models by what they tell: emotion, gender; UserError for one that tells no label, or what another tells."""
    opened: dict[str, GivesLabels] = {}
    for folder in folders:
        model = load(folder)
        if not isinstance(model, GivesLabels):
            raise UserError(f"{folder}: a {type(model).__name__} tells no labels; give a model of task=classify")
        for name in model.values:
            if name in opened:
                raise UserError(f"{folder}: tells {name}, as another model does; give one model for every label")
            opened[name] = model
    return opened


def label_recording(
    path: Path,
    models: Mapping[str, GivesLabels],
    least_probability: float | None = None,
    given: Mapping[str, str] | None = None,
    rules: Sequence[Rule] = (),
) -> LabelledRecording:
    """Ask every model, then the rules; UserError where the recording cannot be used."""
    found: dict[str, Any] = {}
    for model in dict.fromkeys(models.values()):
        found |= model.classify_each([path], least_probability)[0]
    known = {**(given or {}), **{name: each.label for name, each in found.items()}}
    return LabelledRecording(str(path), found, given or {}, first_rule(rules, known))


def values_told(models: Mapping[str, GivesLabels], given: Mapping[str, str]) -> dict[str, list[str]]:
    """By the name of every label the values that it can have; UserError where one is given that a model tells."""
    for name in given:
        if name in models:
            raise UserError(f"--given {name}={given[name]}: a model tells {name}; leave one of them out")
    told = {name: [*model.values[name], UNCERTAIN] for name, model in models.items()}
    return told | {name: [value] for name, value in given.items()}
