"""What a stranger's configuration may name: parts of this package that only compute or only read, and nothing else.

Model folders and run folders travel between people, and Hydra calls whatever `_target_` names.
"""

import importlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asr.errors import UserError

MODEL_PARTS = ("asr.model", "asr.tasks")
DATA_PARTS = ("asr.corpus.readers", "asr.synthetic.corpus")


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
                raise UserError(f"{path}: _target_ {value} is not a part of this program; refused")
        elif str(key).startswith("_") and key not in ("_partial_", "_convert_"):
            raise UserError(f"{path}: {key} is not allowed here; refused")
        elif isinstance(value, str) and "${" in value:
            raise UserError(f"{path}: {key} holds an interpolation; refused")
        else:
            check_trusted(value, path, modules)


def is_part(target: str, modules: Sequence[str]) -> bool:
    """Whether a dotted name is that of a class or function which a module below one of `modules` defines itself."""
    module_name, _, name = target.rpartition(".")
    if not any(module_name == prefix or module_name.startswith(prefix + ".") for prefix in modules):
        return False
    try:
        found = getattr(importlib.import_module(module_name), name, None)
    except ImportError:
        return False
    return (inspect.isclass(found) or inspect.isfunction(found)) and found.__module__ == module_name
