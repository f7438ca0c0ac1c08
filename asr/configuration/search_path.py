"""Where configuration files are looked for: in the program's own conf/, and in folders of the person who calls it.

As in Hydra, a folder given by --config-dir comes first and may replace files. The folder ./conf comes last: it only
adds choices: nothing of it is used unless the command names it.
"""

import importlib.util
import re
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import yaml

from asr.errors import UserError


def packaged_folder() -> Path:
    """conf/ of the program: in the installed package, or beside it in a checkout."""
    package = Path(str(files("asr")))
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


CONF = packaged_folder()
CONFIG_DIR = ("--config-dir", "-cd")  # as Hydra spells it
_config_dirs: list[Path] = []  # of --config-dir, for the whole process, as sys.path is


def take_config_dir(arguments: Sequence[str]) -> list[str]:
    """The arguments without `--config-dir DIR`; that folder is searched first from now on; or UserError."""
    rest, folder = [], None
    waiting = iter(arguments)
    for argument in waiting:
        name, equals, value = argument.partition("=")
        if name not in CONFIG_DIR:
            rest.append(argument)
        else:
            folder = value if equals else next(waiting, "")
    use_config_dir(folder)
    return rest


def use_config_dir(folder: str | Path | None) -> None:
    """Search `folder` before all others, or no such folder; UserError where it is none."""
    if folder is not None and (str(folder) == "" or not Path(folder).expanduser().is_dir()):
        raise UserError(f"--config-dir={folder}: no such folder; give one that is laid out as conf/ is")
    _config_dirs[:] = [] if folder is None else [Path(folder).expanduser().resolve()]


def config_dir_arguments() -> list[str]:
    """What a further process of this command has to be given, so that it searches the same folders."""
    return [f"{CONFIG_DIR[0]}={folder}" for folder in _config_dirs]


def config_dirs() -> list[Path]:
    """The folders that --config-dir named."""
    return list(_config_dirs)


def searched_folders() -> list[Path]:
    """Every folder that is searched, in the order of the search, each once."""
    beside = Path("conf").resolve()
    found = [*_config_dirs, CONF, *([beside] if beside.is_dir() else [])]
    return [folder for number, folder in enumerate(found) if folder.resolve() not in found[:number]]


def caller_folders() -> list[Path]:
    """The searched folders that belong to the caller, not to the program."""
    return [folder for folder in searched_folders() if folder != CONF]


def is_group(name: str) -> bool:
    """Whether `encoder` or `encoder/subsampling` is a group, a folder with files to choose from."""
    is_name = re.fullmatch(r"\w+(/\w+)*", name) is not None
    return is_name and any(any((folder / name).glob("*.yaml")) for folder in searched_folders())


def groups() -> list[str]:
    """Every group of the program, and those that files of the caller add to."""
    return sorted(
        {
            str(path.parent.relative_to(folder))
            for folder in searched_folders()
            for path in folder.rglob("*.yaml")
            if path.parent != folder
        }
    )


def group_files(group: str) -> dict[str, Path]:
    """Choice -> file of a group, in the order of their names; of several with one name the first that is found."""
    found: dict[str, Path] = {}
    for folder in searched_folders():
        for path in (folder / group).glob("*.yaml"):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def group_file_and_bases(group: str, choice: str) -> list[Path]:
    """A group's file, preceded by the files of the same group that its `defaults` name."""
    path = group_files(group).get(choice)
    if path is None:
        return []
    text = path.read_text("utf-8")
    try:
        values = yaml.safe_load(text) if "defaults:" in text else None
    except yaml.YAMLError:  # told where it is composed
        values = None
    defaults = values.get("defaults") if isinstance(values, dict) else None
    bases = [base for base in defaults or [] if isinstance(base, str) and base not in ("_self_", choice)]
    return [*(file for base in bases for file in group_file_and_bases(group, base)), path]


def check_not_shadowed(group: str, choice: str) -> None:
    """Raise UserError where a file of ./conf is never used, as another file of its name is found before it."""
    found = group_files(group).get(choice)
    for folder in caller_folders():
        own = folder / group / f"{choice}.yaml"
        if (
            found is not None
            and own.is_file()
            and own.read_bytes() != found.read_bytes()
            and folder not in _config_dirs
        ):
            raise UserError(
                f"{group}={choice}: {found} is found before {own}; rename yours, or give --config-dir={folder}"
            )


def make_importable(target: str) -> None:
    """Let Python import the module of `target` where it lies beside a folder of the caller and nowhere else."""
    module = target.partition(".")[0]
    if importlib.util.find_spec(module) is not None:
        return
    for beside in (folder.parent for folder in caller_folders()):
        if (beside / f"{module}.py").is_file() or (beside / module).is_dir():
            sys.path.append(str(beside))
            return
