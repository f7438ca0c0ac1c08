"""Hydra composes the configuration; this module turns its complaints into one line that names the closest right key."""

import difflib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from asr.errors import UserError

CONF = Path(__file__).resolve().parent.parent / "conf"


def load_configuration(name: str, overrides: Sequence[str]) -> DictConfig:
    """Compose conf/<name>.yaml with `key=value` overrides; the chosen group files are under `choices`.

    Raises UserError for an unknown key, group or choice, naming the nearest.
    """
    for override in overrides:
        check_override(name, override)
    try:
        configuration = compose_quietly(name, overrides)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(explain(str(error), name)) from error
    choices = dict(configuration.hydra.runtime.choices)
    configuration = OmegaConf.create({key: value for key, value in configuration.items_ex(resolve=False) if key != "hydra"})
    configuration.choices = {group: choice for group, choice in choices.items() if not group.startswith("hydra")}
    OmegaConf.set_struct(configuration, True)
    return configuration


def compose_quietly(name: str, overrides: Sequence[str]) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(name, list(overrides), return_hydra_config=True)


def check_override(name: str, override: str) -> None:
    """Raise UserError where `override` is no key=value, or names a group file that does not exist."""
    key, equals, value = override.partition("=")
    key = key.lstrip("+~")
    if not equals and not override.startswith("~"):
        raise UserError(f"'{override}' is no key=value; write for example encoder=lstm ({entry_help(name)})")
    group = CONF / key
    if key and group.is_dir():
        choices = group_choices(group)
        for choice in re.split(r"[\[\],\s]+", value):
            if choice and choice != "null" and choice not in choices:
                raise UserError(f"{key}={choice}: no such choice{nearest(choice, choices)}; there are {', '.join(choices)}")


def explain(message: str, name: str) -> str:
    """Hydra's message as one line, with the nearest key where it is about a key."""
    message = " ".join(message.split())
    found = re.search(r"Could not override '([^']+)'", message)
    if not found:
        return f"{message} ({entry_help(name)})"
    keys = all_keys(compose_quietly(name, []))
    return f"{found.group(1)}: no such key{nearest(found.group(1), keys)} ({entry_help(name)})"


def all_keys(configuration: DictConfig) -> list[str]:
    """Every dotted key, and the groups."""
    keys: list[str] = [str(path.relative_to(CONF)) for path in CONF.rglob("*") if path.is_dir()]

    def walk(node: DictConfig, prefix: str) -> None:
        for key in node:
            keys.append(f"{prefix}{key}")
            child = node._get_node(key)
            if isinstance(child, DictConfig) and not child._is_none():
                walk(child, f"{prefix}{key}.")

    walk(OmegaConf.create({k: v for k, v in configuration.items_ex(resolve=False) if k != "hydra"}), "")
    return keys


def nearest(wrong: str, right: Sequence[str]) -> str:
    """'; did you mean …?' or nothing."""
    match = difflib.get_close_matches(wrong, right, n=1, cutoff=0.5)
    if not match:
        tail = wrong.rpartition(".")[2]
        match = [key for key in right if key.rpartition(".")[2] == tail][:1]
    return f"; did you mean {match[0]}?" if match else ""


def group_choices(group: Path) -> list[str]:
    return sorted(path.stem for path in group.glob("*.yaml"))


def entry_help(name: str) -> str:
    return f"python {name}.py --help lists groups, choices and keys"


def help_text(name: str, purpose: str) -> str:
    """Usage, the groups with their choices, and the configuration with its defaults."""
    configuration = compose_quietly(name, [])
    groups = sorted({str(path.parent.relative_to(CONF)) for path in CONF.rglob("*.yaml") if path.parent != CONF})
    lines = [purpose, "", f"usage: python {name}.py [group=choice …] [key=value …]", "", "groups and their choices:"]
    lines += [f"  {group + '=':24}{' | '.join(group_choices(CONF / group))}" for group in groups]
    lines += ["", "keys and their defaults:"]
    plain = OmegaConf.create({k: v for k, v in configuration.items_ex(resolve=False) if k != "hydra"})
    lines += [f"  {line}" for line in OmegaConf.to_yaml(plain).splitlines()]
    return "\n".join(lines)


def run_entry_point(name: str, purpose: str, work: Callable[[DictConfig], object]) -> None:
    """Parse the command line, do the work, and leave with 0, 2 (the user must mend something) or 130 (Ctrl-C)."""
    arguments = sys.argv[1:]
    if {"-h", "--help"} & set(arguments):
        print(help_text(name, purpose))
        return
    if {"-m", "--multirun"} & set(arguments):
        exit_with("-m: to run many, use python tune.py search=grid", 2)
    with exit_status():
        work(load_configuration(name, arguments))


class exit_status:  # noqa: N801 - reads as a statement: with exit_status(): …
    """Context that turns what went wrong into one line and an exit status."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind, error, traceback) -> None:
        while isinstance(error, InstantiationException) and error.__cause__ is not None:
            key = re.search(r"full_key: (\S+)", str(error))
            cause = error.__cause__
            if not isinstance(cause, UserError | InstantiationException):
                cause = UserError(f"{key.group(1) if key else 'configuration'}: {' '.join(str(cause).split())}")
            error = cause
        if isinstance(error, UserError):
            exit_with(str(error), 2)
        if isinstance(error, OmegaConfBaseException):
            exit_with(" ".join(str(error).split()), 2)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            exit_with(f"no room on the disk for {error.filename or 'the run'}: free some, then type the same command again", 2)
        if isinstance(error, KeyboardInterrupt):
            exit_with("interrupted", 130)


NO_ROOM = {28, 122}  # ENOSPC, EDQUOT


def exit_with(message: str, status: int) -> None:
    print(f"error: {message}" if status == 2 else message, file=sys.stderr)
    raise SystemExit(status)
