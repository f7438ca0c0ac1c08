"""lhotse's recipes for public corpora, called by name: whatever one of them returns becomes utterances.

https://lhotse.readthedocs.io/en/latest/corpus.html
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from lhotse import CutSet

from asr.corpus.readers.cutset import utterances_of
from asr.corpus.splits import split_within
from asr.corpus.utterance import Utterance
from asr.errors import UserError, one_line

PREFIX = "prepare_"
WRITES_TO = ("output_dir", "manifest_dir")  # parameters for the folder that a recipe writes its own manifests to


def recipes() -> dict[str, Callable[..., Any]]:
    """Every recipe by the name of its corpus."""
    import lhotse.recipes  # loads a hundred modules

    named = {name.removeprefix(PREFIX): getattr(lhotse.recipes, name) for name in dir(lhotse.recipes)}
    return {name: recipe for name, recipe in sorted(named.items()) if inspect.isfunction(recipe)}


def options_of(recipe: Callable[..., Any]) -> dict[str, bool]:
    """The options that a recipe takes beside its first parameter, the corpus's folder: {name: whether it is needed}."""
    parameters = list(inspect.signature(recipe).parameters.values())[1:]
    return {p.name: p.default is p.empty for p in parameters if p.name not in WRITES_TO}


def read(recipe: Callable[..., Any], source: Path, options: Mapping[str, str], scratch: Path) -> Iterator[Utterance]:
    """The utterances of a corpus as a recipe reads it; `scratch` is for the manifests of recipes that must write some.

    Raises UserError where an option is missing, or where the recipe does not find what it looks for.
    """
    missing = [name for name, needed in options_of(recipe).items() if needed and name not in options]
    if missing:
        raise UserError(f"this corpus also needs {' '.join(f'{name}=…' for name in missing)}")
    parameters = inspect.signature(recipe).parameters
    values: dict[str, Any] = {name: yaml.safe_load(value) for name, value in options.items()}
    values |= {name: scratch for name in WRITES_TO if name in parameters and parameters[name].default is inspect._empty}
    try:
        made = recipe(source, **values)
    except Exception as error:  # recipes raise what they like: AssertionError, ValueError, FileNotFoundError, …
        name = recipe.__name__.removeprefix(PREFIX)
        raise UserError(
            f"{source}: lhotse's recipe for {name} does not take it: {one_line(error) or type(error).__name__}; "
            f"it wants the corpus as it is published"
        ) from error
    found = list(manifests_in(made))
    if not found:
        raise UserError(f"{source}: lhotse's recipe found no recordings with transcripts there")
    for names, cuts in found:
        split = split_within("-".join(names))
        for cut in cuts:
            yield from utterances_of(cut, split, source)


def manifests_in(made: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], CutSet]]:
    """Every CutSet in what a recipe returns, with the names that lead to it: nested dicts of manifests, or of cuts."""
    if isinstance(made, CutSet):
        yield names, made
    elif isinstance(made, Mapping) and made.get("supervisions") is not None and made.get("recordings") is not None:
        yield names, CutSet.from_manifests(recordings=made["recordings"], supervisions=made["supervisions"])
    elif isinstance(made, Mapping):
        for name, part in made.items():
            yield from manifests_in(part, (*names, str(name)))
