"""Hydra composes the configuration; this module turns its complaints into one line that names the closest right key."""

import difflib
import errno
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from asr.configuration.help import comments_in, explained
from asr.configuration.values import check_values
from asr.errors import UserError, one_line

# Last words of keys whose values are as typed.
TEXTS = {"source", "text", "folder", "run", "against", "run_dir", "out_dir", "name"}
TEXT_LISTS = {"hotwords"}  # the same for [a b,c]
SEVERAL = {"augment", "search"}  # groups of which several files can be chosen together
CONF = Path(__file__).resolve().parents[2] / "conf"


def load_configuration(name: str, overrides: Sequence[str]) -> DictConfig:
    """Compose conf/<name>.yaml with `key=value` overrides; the chosen group files are under `choices`.

    Raises UserError for an unknown key, group or choice, naming the nearest.
    """
    for override in overrides:
        check_override(name, override)
    overrides = [quoted(override) for override in overrides]
    try:
        configuration = compose_quietly(name, overrides)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(explain(str(error), name, overrides)) from error
    chosen = own_choices(configuration)
    configuration = without_hydra(configuration)
    defaults = without_hydra(compose_quietly(name, groups_of(overrides)))
    if chosen.get("experiment"):
        drop_leftovers((configuration, defaults), name, chosen, overrides)
    configuration.choices = chosen
    defaults.choices = chosen
    check_values(plain(defaults), plain(configuration))
    OmegaConf.set_struct(configuration, True)
    return configuration


def drop_leftovers(
    configurations: Sequence[DictConfig], name: str, chosen: Mapping[str, str | None], overrides: Sequence[str]
) -> None:
    """Take out what an experiment sets for parts that the command line has exchanged: cnn has no use for lstm's units.

    Such a key is none of the chosen file's, but one of another file of its group; or the part is not chosen at all.
    """
    own = [f"{group}={file}" for group, file in chosen.items() if file and group != "experiment"]
    for group, part in plain(without_hydra(compose_quietly(name, own))).items():
        if not (CONF / str(group)).is_dir():
            continue
        found = configurations[0][group]
        files = {path.stem: keys_of(path) for path in (CONF / str(group)).glob("*.yaml")}
        if group in chosen:
            left = {key for keys in files.values() for key in keys} - set(part)
        else:  # a list of files, each a part of its own
            left = {key for key in files if key in found and "_target_" not in found[key]}
        for key in map(str, left & set(found)):
            if any(override.startswith(f"{group}.{key}") for override in overrides):
                has = ", ".join(name for name in part if not name.startswith("_"))
                raise UserError(f"{group}.{key}: {group}={chosen.get(group)} has {has}, not {key}")
            for each in configurations:
                del each[group][key]


@cache
def keys_of(path: Path) -> frozenset[str]:
    """The keys at the top of a group's file."""
    return frozenset(map(str, OmegaConf.load(path)))


def compose_quietly(name: str, overrides: Sequence[str]) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(name, list(overrides), return_hydra_config=True)


def own_choices(configuration: DictConfig) -> dict[str, str | None]:
    """The chosen file of every group that is ours."""
    return {group: file for group, file in configuration.hydra.runtime.choices.items() if not group.startswith("hydra")}


def without_hydra(configuration: DictConfig) -> DictConfig:
    return OmegaConf.create({key: value for key, value in configuration.items_ex(resolve=False) if key != "hydra"})


def plain(configuration: DictConfig) -> dict:
    """As dicts and lists, for looking at; interpolations stay as they are written."""
    return cast(dict, OmegaConf.to_container(configuration, resolve=False))


def settings(part: DictConfig) -> dict:
    """The same with every interpolation resolved, as a model's config.yaml holds it."""
    return cast(dict, OmegaConf.to_container(part, resolve=True, throw_on_missing=True))


def load_values(name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """`load_configuration` as plain values, every interpolation resolved."""
    return settings(load_configuration(name, overrides))


def groups_of(overrides: Sequence[str]) -> list[str]:
    """Those overrides that choose a group's file."""
    return [override for override in overrides if (CONF / override.partition("=")[0].lstrip("+~")).is_dir()]


def quoted(override: str) -> str:
    """The override with a path or a name in quotes, so that Hydra takes ~, commas and brackets in it as they are."""
    key, _, value = override.partition("=")
    if key.rpartition(".")[2] in TEXT_LISTS and re.fullmatch(r"\[[^\"'\[\]]+\]", value):
        return f"{key}=[" + ",".join(f'"{item.strip()}"' for item in value[1:-1].split(",")) + "]"
    is_text = key.rpartition(".")[2] in TEXTS and not (CONF / key).is_dir()
    if not is_text or value in ("", "null", "???") or value[0] in "\"'[{$":
        return override
    value = re.sub(r'(\\*)("|$)', lambda found: 2 * found[1] + found[2].replace('"', '\\"'), os.path.expanduser(value))
    return f'{key}="{value}"'


def check_override(name: str, override: str) -> None:
    """Raise UserError where `override` is no key=value, or names a group file that does not exist."""
    key, equals, value = override.partition("=")
    key = key.lstrip("+~")
    if not key or key.startswith("-") or not (equals or override.startswith("~")):
        meant = f"{key.lstrip('-')}={value}" if key.strip("-") and value else "encoder=lstm"
        raise UserError(f"'{override}' is no key=value; write for example {meant} ({entry_help(name)})")
    group = CONF / key
    if group.is_dir() and equals:
        choices = group_choices(group)
        chosen = listed(value)
        for choice in chosen:
            if choice not in choices:
                hint = f"{nearest(choice, choices)}; there are {', '.join(choices)}"
                raise UserError(f"{key}={choice}: no such choice{hint}")
        if not chosen:
            raise UserError(f"{override}: choose one of {', '.join(choices)}")
        if len(chosen) > 1 and not (value.startswith("[") and key in SEVERAL):
            raise UserError(f"{key}={value}: one at a time; python tune.py search=grid trains with several in turn")


def listed(value: str) -> list[str]:
    """The names in `a` or `[a, b]`."""
    return [name for name in re.split(r"[\[\],\s]+", value) if name]


def explain(message: str, name: str, overrides: Sequence[str]) -> str:
    """Hydra's message as one line, with the nearest key where it is about a key."""
    message = " ".join(message.split())
    found = re.search(r"Could not override '([^']+)'", message)
    if not found:
        return f"{message} ({entry_help(name)})"
    key = found.group(1)
    try:
        keys = all_keys(compose_quietly(name, groups_of(overrides)))
    except HydraException:  # the group itself is not one of this command
        keys = all_keys(compose_quietly(name, []))
    group, _, rest = key.partition(".")
    part = rest.partition(".")[0]
    if part and (CONF / group / f"{part}.yaml").is_file():
        return f"{key}: {part} is not chosen; choose it too, {group}=[…,{part}] ({entry_help(name)})"
    parent, _, word = key.rpartition(".")
    beside = [other[len(parent) + 1 :] for other in keys if re.fullmatch(rf"{re.escape(parent)}\.[^_.][^.]*", other)]
    close = difflib.get_close_matches(word, beside, n=1, cutoff=0.5)
    if close:
        hint = f"; did you mean {parent}.{close[0]}?"
    else:
        hint = f"; {parent} has {', '.join(beside)}" if beside else nearest(key, keys)
    return f"{key}: no such key{hint} ({entry_help(name)})"


def all_keys(configuration: DictConfig) -> list[str]:
    """Every dotted key, and the groups."""
    keys: list[str] = list(own_choices(configuration))

    def walk(node: DictConfig, prefix: str) -> None:
        for key in map(str, node):
            keys.append(f"{prefix}{key}")
            child = node._get_node(key)
            if isinstance(child, DictConfig) and not child._is_none():
                walk(child, f"{prefix}{key}.")

    walk(without_hydra(configuration), "")
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


def help_text(name: str, purpose: str, arguments: Sequence[str]) -> str:
    """Usage, the groups with their choices, and every key with its default, those of the groups' files given too."""
    known = own_choices(compose_quietly(name, [])).keys() | SEVERAL
    overrides = [each for each in groups_of(arguments) if each.partition("=")[0] in known]
    for override in overrides:
        check_override(name, override)
    configuration = compose_quietly(name, overrides)
    groups = sorted({str(path.parent.relative_to(CONF)) for path in CONF.rglob("*.yaml") if path.parent != CONF})
    lines = [purpose, "", f"usage: python {name}.py [group=choice …] [key=value …]", "", "groups and their choices:"]
    lines += [f"  {group + '=':24}{' | '.join(group_choices(CONF / group))}" for group in groups]
    lines += ["", "keys and their defaults, with " + (" ".join(overrides) or "the groups' defaults") + ":"]
    text = OmegaConf.to_yaml(without_hydra(configuration))
    lines += [f"  {line}" for line in explained(text, comments_in(CONF, name, own_choices(configuration)))]
    return "\n".join(lines)


def run_entry_point(name: str, purpose: str, work: Callable[[DictConfig], object]) -> None:
    """Parse the command line, do the work, and leave with 0, 2 (the user must mend something) or 130 (Ctrl-C)."""
    arguments = sys.argv[1:]
    if {"-h", "--help"} & set(arguments):
        with exit_status():
            print(help_text(name, purpose, arguments))
        return
    if {"-m", "--multirun"} & set(arguments):
        exit_with("-m: to run many, use python tune.py search=grid", 2)
    with exit_status():
        work(load_configuration(name, arguments))


class exit_status:  # noqa: N801 - reads as a statement: with exit_status(): …
    """Context that turns what went wrong into one line and an exit status."""

    def __enter__(self) -> None:
        threading.excepthook = silent_where_reraised

    def __exit__(self, kind, error, traceback) -> None:
        while isinstance(error, InstantiationException) and error.__cause__ is not None:
            key = re.search(r"full_key: (\S+)", str(error))
            cause = error.__cause__
            if not isinstance(cause, UserError | InstantiationException):
                cause = UserError(f"{key.group(1) if key else 'configuration'}: {one_line(cause)}")
            error = cause
        if isinstance(error, UserError):
            exit_with(str(error), 2)
        if isinstance(error, MissingMandatoryValue):
            exit_with(f"{error.full_key}= has to be given", 2)
        if isinstance(error, OmegaConfBaseException | InstantiationException):
            exit_with(one_line(error), 2)
        disk = next((cause for cause in causes(error) if isinstance(cause, OSError)), None)
        if disk is not None and disk.errno in NO_ROOM:
            place = disk.filename or "the run"
            exit_with(f"no room on the disk for {place}: free some, then type the same command again", 2)
        if disk is not None and disk.errno in NOT_ALLOWED:
            exit_with(f"{disk.filename}: {disk.strerror}; make it writable, or give another place", 2)
        if isinstance(error, KeyboardInterrupt):
            exit_with(str(error) or "interrupted", 130)


NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from: TensorBoard's logger makes a ValueError of a full disk."""
    while error is not None:
        yield error
        error = error.__cause__


def silent_where_reraised(failure: threading.ExceptHookArgs) -> None:
    """TensorBoard's writing thread hands its OSError on to ours, which tells it; anything else is printed as ever."""
    if not isinstance(failure.exc_value, OSError):
        threading.__excepthook__(failure)


def exit_with(message: str, status: int) -> None:
    print(f"error: {message}" if status == 2 else message, file=sys.stderr)
    raise SystemExit(status)
