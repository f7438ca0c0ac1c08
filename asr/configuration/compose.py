"""Hydra composes the configuration from conf/, and from folders of the caller's own."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from asr.configuration.comments import comments_of_keys
from asr.configuration.overrides import (
    check_override,
    explain_refusal,
    group_overrides,
    help_hint,
    with_quoted_text,
)
from asr.configuration.search_path import CONF, group_files, is_group, searched_folders
from asr.configuration.trust import trust_chosen
from asr.configuration.values import check_values
from asr.errors import UserError, one_line


def load_configuration(name: str, overrides: Sequence[str]) -> DictConfig:
    """Compose conf/<name>.yaml with `key=value` overrides; the chosen group files are under `choices`.

    Raises UserError for an unknown key, group or choice, naming the nearest.
    """
    for override in overrides:
        check_override(name, override)
    overrides = [with_quoted_text(override) for override in overrides]
    try:
        configuration = compose_quietly(name, overrides)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(why_not_composed(error, name, overrides)) from error
    chosen = chosen_files(configuration)
    configuration = without_hydra(configuration)
    defaults = without_hydra(compose_quietly(name, group_overrides(overrides)))
    if chosen.get("experiment"):
        drop_keys_of_exchanged_parts((configuration, defaults), name, chosen, overrides)
    configuration.choices = chosen
    defaults.choices = chosen
    values = as_written_values(configuration)
    check_values(as_written_values(defaults), values, comments_of_keys(name, chosen))
    trust_chosen(values)
    OmegaConf.set_struct(configuration, True)
    return configuration


def drop_keys_of_exchanged_parts(
    configurations: Sequence[DictConfig], name: str, chosen: Mapping[str, str | None], overrides: Sequence[str]
) -> None:
    """Delete what an experiment sets for parts that the command line has exchanged: cnn has no use for lstm's units.

    Such a key is in another file of its group but not in the chosen one, or its part is not chosen at all.
    """
    own = [f"{group}={file}" for group, file in chosen.items() if file and group != "experiment"]
    for group, part in as_written_values(without_hydra(compose_quietly(name, own))).items():
        if not is_group(str(group)):
            continue
        found = configurations[0][group]
        files = {file: keys_of_file(path) for file, path in group_files(str(group)).items()}
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
def keys_of_file(path: Path) -> frozenset[str]:
    """The keys at the top of a group's file."""
    return frozenset(map(str, OmegaConf.load(path)))


def compose_quietly(name: str, overrides: Sequence[str]) -> DictConfig:
    """Hydra's own composition of what is found in the searched folders; Hydra's settings are under `hydra`."""
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose(name, list(overrides), return_hydra_config=True)
    except yaml.YAMLError as error:  # which names the file
        raise UserError(f"not YAML: {one_line(error)}; mend that file") from error


class CallerFolders(SearchPathPlugin):
    """Tells Hydra which further folders to search, before and after the program's own; Hydra asks for a class."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        searched = searched_folders()
        own = searched.index(CONF)
        for folder in reversed(searched[:own]):
            search_path.prepend("--config-dir", f"file://{folder}", SearchPathQuery(provider="main"))
        for folder in searched[own + 1 :]:
            search_path.append("./conf", f"file://{folder}")


Plugins.instance().register(CallerFolders)


def chosen_files(configuration: DictConfig) -> dict[str, str | None]:
    """The chosen file of every group that is ours."""
    return {group: file for group, file in configuration.hydra.runtime.choices.items() if not group.startswith("hydra")}


def without_hydra(configuration: DictConfig) -> DictConfig:
    return OmegaConf.create({key: value for key, value in configuration.items_ex(resolve=False) if key != "hydra"})


def as_written_values(configuration: DictConfig) -> dict:
    """Plain dicts and lists, for looking at; interpolations (${…}) stay as they are written."""
    return cast(dict, OmegaConf.to_container(configuration, resolve=False))


def as_plain_values(part: DictConfig) -> dict:
    """Plain dicts and lists with every interpolation (${…}) resolved, as a model's config.yaml holds them."""
    return cast(dict, OmegaConf.to_container(part, resolve=True, throw_on_missing=True))


def load_values(name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """`load_configuration` as plain values."""
    return as_plain_values(load_configuration(name, overrides))


def why_not_composed(error: Exception, name: str, overrides: Sequence[str]) -> str:
    """Hydra's refusal as one line, with the nearest key where it is about a key."""
    try:
        keys = all_keys(compose_quietly(name, group_overrides(overrides)))
    except HydraException:  # the group itself is not one of this command, or one of its files is wrong
        try:
            keys = all_keys(compose_quietly(name, []))
        except HydraException:
            return f"{' '.join(str(error).split())} ({help_hint(name)})"
    return explain_refusal(str(error), name, keys)


def all_keys(configuration: DictConfig) -> list[str]:
    """Every dotted key, and the groups."""
    keys: list[str] = list(chosen_files(configuration))

    def walk(node: Mapping, prefix: str) -> None:
        for key, child in node.items():
            keys.append(f"{prefix}{key}")
            if isinstance(child, dict):
                walk(child, f"{prefix}{key}.")

    walk(as_written_values(without_hydra(configuration)), "")
    return keys
