"""Overrides typed as `key=value`: checked and quoted for Hydra, and explained where Hydra refuses them."""

import difflib
import os
import re
from collections.abc import Sequence

from asr.configuration.search_path import check_not_shadowed, group_files, is_group
from asr.errors import UserError

# Last words of keys whose values are as typed.
TEXT_KEYS = {
    "source",
    "text",
    "folder",
    "run",
    "against",
    "run_dir",
    "out_dir",
    "name",
    "iden_split",
    "speaker_pattern",
}
TEXT_LIST_KEYS = {"hotwords"}  # the same for [a b,c]
GROUPS_OF_SEVERAL = {"augment", "search"}  # groups of which several files can be chosen together


def check_override(name: str, override: str) -> None:
    """Raise UserError where `override` is no key=value, or names a group file that does not exist."""
    key, equals, value = override.partition("=")
    key = key.lstrip("+~")
    if not key or key.startswith("-") or not (equals or override.startswith("~")):
        meant = f"{key.lstrip('-')}={value}" if key.strip("-") and value else "encoder=lstm"
        raise UserError(f"'{override}' is no key=value; write for example {meant} ({help_hint(name)})")
    if key == "hydra.searchpath":
        raise UserError(f"{override}: give --config-dir=DIR, or name the folder conf/, and its files can be chosen")
    if is_group(key) and equals:
        check_choice(key, value, override)


def check_choice(group: str, value: str, override: str) -> None:
    """Raise UserError where a group has no such file, or takes one and several are given."""
    choices = list(group_files(group))
    chosen = names_in(value)
    for choice in chosen:
        if choice not in choices:
            hint = f"{did_you_mean(choice, choices)}; there are {', '.join(choices)}"
            raise UserError(f"{group}={choice}: no such choice{hint}")
        check_not_shadowed(group, choice)
    if not chosen:
        raise UserError(f"{override}: choose one of {', '.join(choices)}")
    if len(chosen) > 1 and not (value.startswith("[") and group in GROUPS_OF_SEVERAL):
        raise UserError(f"{group}={value}: one at a time; python tune.py search=grid trains with several in turn")


def names_in(value: str) -> list[str]:
    """The names in `a` or `[a, b]`."""
    return [name for name in re.split(r"[\[\],\s]+", value) if name]


def group_overrides(overrides: Sequence[str]) -> list[str]:
    """Those overrides that choose a group's file."""
    return [override for override in overrides if is_group(override.partition("=")[0].lstrip("+~"))]


def with_quoted_text(override: str) -> str:
    """The override with a path or a name in quotes, so that Hydra takes ~, commas and brackets in it as they are."""
    key, _, value = override.partition("=")
    if key.rpartition(".")[2] in TEXT_LIST_KEYS and re.fullmatch(r"\[[^\"'\[\]]+\]", value):
        return f"{key}=[" + ",".join(f'"{item.strip()}"' for item in value[1:-1].split(",")) + "]"
    is_text = key.rpartition(".")[2] in TEXT_KEYS and not is_group(key)
    if not is_text or value in ("", "null", "???") or value[0] in "\"'[{$":
        return override
    value = re.sub(r'(\\*)("|$)', lambda found: 2 * found[1] + found[2].replace('"', '\\"'), os.path.expanduser(value))
    return f'{key}="{value}"'


def explain_refusal(message: str, name: str, keys: Sequence[str]) -> str:
    """Hydra's message as one line, with the nearest of `keys` where it is about a key."""
    message = " ".join(message.split())
    found = re.search(r"Could not override '([^']+)'", message)
    if not found:
        return f"{message} ({help_hint(name)})"
    key = found.group(1)
    group, _, rest = key.partition(".")
    part = rest.partition(".")[0]
    if part and is_group(group) and part in group_files(group):
        return f"{key}: {part} is not chosen; choose it too, {group}=[…,{part}] ({help_hint(name)})"
    parent, _, word = key.rpartition(".")
    beside = [other[len(parent) + 1 :] for other in keys if re.fullmatch(rf"{re.escape(parent)}\.[^_.][^.]*", other)]
    close = difflib.get_close_matches(word, beside, n=1, cutoff=0.5)
    if close:
        hint = f"; did you mean {parent}.{close[0]}?"
    else:
        hint = f"; {parent} has {', '.join(beside)}" if beside else did_you_mean(key, keys)
    return f"{key}: no such key{hint} ({help_hint(name)})"


def did_you_mean(wrong: str, right: Sequence[str]) -> str:
    """'; did you mean …?' or nothing."""
    match = difflib.get_close_matches(wrong, right, n=1, cutoff=0.5)
    if not match:
        tail = wrong.rpartition(".")[2]
        match = [key for key in right if key.rpartition(".")[2] == tail][:1]
    return f"; did you mean {match[0]}?" if match else ""


def help_hint(name: str) -> str:
    return f"python {name}.py --help lists groups, choices and keys"
