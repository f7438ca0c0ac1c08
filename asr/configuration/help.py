"""What --help says: usage, groups with their choices, every key with its value and the comment beside it in conf/."""

from collections.abc import Iterator, Mapping, Sequence

from omegaconf import OmegaConf

from asr.configuration.comments import comments_of_keys, lines_with_keys, purpose_of
from asr.configuration.compose import chosen_files, compose_quietly, without_hydra
from asr.configuration.overrides import GROUPS_OF_SEVERAL, check_override, group_overrides
from asr.configuration.search_path import group_files, groups

WIDTH = 40  # of a key with its value, where a comment follows
FURTHER_USAGE = {
    "tune": "\nevery key and group of train.py is taken too, and holds for every trial: python train.py --help"
}


def help_text(name: str, arguments: Sequence[str]) -> str:
    """Usage, the groups with their choices, and every key with its default, those of the groups' files given too."""
    known = chosen_files(compose_quietly(name, [])).keys() | GROUPS_OF_SEVERAL
    overrides = [each for each in group_overrides(arguments) if each.partition("=")[0] in known]
    for override in overrides:
        check_override(name, override)
    configuration = compose_quietly(name, overrides)
    lines = [purpose_of(name), "", f"usage: python {name}.py [--config-dir=DIR] [group=choice …] [key=value …]", ""]
    lines += ["groups and their choices:"]
    lines += [f"  {group + '=':24}{' | '.join(group_files(group))}" for group in groups()]
    lines += ["", "keys and their defaults, with " + (" ".join(overrides) or "the groups' defaults") + ":"]
    text = OmegaConf.to_yaml(without_hydra(configuration))
    lines += [f"  {line}" for line in with_comments(text, comments_of_keys(name, chosen_files(configuration)))]
    return "\n".join([*lines, *filter(None, [FURTHER_USAGE.get(name)])])


def with_comments(text: str, comments: Mapping[str, str]) -> Iterator[str]:
    """The lines of a configuration as YAML, with the comments of its keys (`a.b`)."""
    for key, line in lines_with_keys(text):
        yield f"{line:<{WIDTH}} # {comments[key]}" if key in comments else line
