"""What a stranger's configuration may name: parts of this package that only compute or only read, and nothing else.

Model folders and run folders travel between people, and Hydra calls whatever `_target_` names.
"""

import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from asr.configuration.search_path import (
    caller_folders,
    config_dirs,
    group_file_and_bases,
    group_files,
    groups,
    make_importable,
)
from asr.errors import UserError

MODEL_PARTS = ("asr.model", "asr.tasks")
DATA_PARTS = ("asr.corpus.readers", "asr.synthetic.corpus")
_chosen: set[str] = set()  # constructors of the caller's own ./conf that a command of this process has chosen


REMEDY = " (if it is your own, give --config-dir=DIR, the folder whose files name it)"


def check_trusted(node: Any, path: Path, modules: Sequence[str]) -> None:
    """Refuse any `_target_` in `node` that is not a class or function which one of `modules` defines itself.

    Raises UserError naming `path`, the file that `node` stood in.
    """
    if isinstance(node, list):
        for child in node:
            check_trusted(child, path, modules)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "_target_":
            if not is_part(str(value), modules):
                raise UserError(f"{path}: _target_ {value} is not a part of this program; refused{REMEDY}")
        elif str(key).startswith("_") and key not in ("_partial_", "_convert_"):
            raise UserError(f"{path}: {key} is not allowed here; refused")
        elif isinstance(value, str) and "${" in value:
            raise UserError(f"{path}: {key} holds an interpolation; refused")
        else:
            check_trusted(value, path, modules)


def is_part(target: str, modules: Sequence[str]) -> bool:
    """Whether a dotted name is a class or function of a module below one of `modules`, or the caller's own."""
    if is_of_caller(target):
        make_importable(target)
        return True
    module_name, _, name = target.rpartition(".")
    if not any(module_name == prefix or module_name.startswith(prefix + ".") for prefix in modules):
        return False
    try:
        found = getattr(importlib.import_module(module_name), name, None)
    except ImportError:
        return False
    return (inspect.isclass(found) or inspect.isfunction(found)) and found.__module__ == module_name


def is_of_caller(target: str) -> bool:
    """Whether the caller vouches for a constructor: a file below --config-dir names it, or a chosen one of ./conf.

    A ./conf that merely lies about vouches for nothing: it may have come with the model.
    """
    return target in _chosen or any(target in targets_below(folder) for folder in config_dirs())


def trust_chosen(configuration: Mapping[str, Any]) -> None:
    """Trust constructors of the caller's own files that a composed configuration names, or that its search may choose.

    Their modules can be imported from then on.
    """
    own = {target for folder in caller_folders() for target in targets_below(folder)}
    chosen = set(targets_in(configuration)) & own
    if own and (search := configuration.get("search")):
        words = set(words_in(search))
        files = (
            path
            for group in groups()
            for name in words & set(group_files(group))
            for path in group_file_and_bases(group, name)
        )
        chosen |= own & {target for path in files for target in targets_of(path)}
    for target in chosen:
        make_importable(target)
    _chosen.update(chosen)


def targets_below(folder: Path) -> set[str]:
    return {target for path in folder.rglob("*.yaml") for target in targets_of(path)}


def targets_of(path: Path) -> Iterator[str]:
    """Every `_target_` that stands in a file."""
    try:
        yield from targets_in(yaml.safe_load(path.read_text("utf-8")))
    except (yaml.YAMLError, OSError, ValueError):
        return  # whoever chooses it is told


def targets_in(node: Any) -> Iterator[str]:
    """Every `_target_` in nested dicts and lists."""
    if isinstance(node, list):
        for child in node:
            yield from targets_in(child)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            if key == "_target_":
                yield str(value)
            else:
                yield from targets_in(value)


def words_in(node: Any) -> Iterator[str]:
    """Every key and every string in nested dicts and lists."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for child in node:
            yield from words_in(child)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield str(key)
            yield from words_in(value)
