"""Which task a run was trained for."""

from collections.abc import Mapping
from inspect import isclass
from pathlib import Path
from typing import Any

from hydra.utils import get_object, instantiate

from asr.configuration.old_names import TRANSCRIBE
from asr.configuration.trust import MODEL_PARTS, is_part
from asr.errors import UserError
from asr.runs.files import read_run


def task_class_of(folder: Path) -> Any:
    """The class of the task of a run, or of the run that an evaluation measured; UserError where it is none of ours.

    Runs of earlier versions, which do not name it, transcribe.
    """
    described = read_run(folder).config.get("task")
    target = described.get("_target_", "") if isinstance(described, Mapping) else TRANSCRIBE
    if not is_part(str(target), MODEL_PARTS):
        raise UserError(f"{folder}: its task {target} is not a part of this program; refused")
    kind = get_object(str(target))
    return kind if isclass(kind) else type(instantiate(described, _recursive_=False, _convert_="all"))
