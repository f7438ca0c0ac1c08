"""The comments that stand beside keys in conf/: --help shows them, and ranges of values are read from them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from asr.configuration.search_path import CONF, group_file_and_bases, group_files, groups, searched_folders

KEY = re.compile(r"(?P<indent> *)(?P<key>\w+):")
COMMENT = re.compile(r"\s#\s+(?P<comment>.*)$")
GLOBAL = "# @package _global_"  # how Hydra is told that a file's keys are not below its group's name


def comments_of_keys(name: str, choices: Mapping[str, str | None]) -> dict[str, str]:
    """By dotted key: of conf/<name>.yaml, and of groups' files, of a group with a choice only of the chosen file."""
    primary = next(folder / f"{name}.yaml" for folder in searched_folders() if (folder / f"{name}.yaml").is_file())
    found = comments_of(primary, "")
    for group in groups():
        chosen = [choices[group]] if group in choices else list(group_files(group))
        for file in (file for choice in chosen if choice for file in group_file_and_bases(group, choice)):
            found |= comments_of(file, group.replace("/", ".") + ".")
    return found


def comments_of(file: Path, prefix: str) -> dict[str, str]:
    """Dotted key -> comment of one file, whose keys stand below `prefix`."""
    text = file.read_text("utf-8")
    below = "" if text.startswith(GLOBAL) else prefix
    lines = lines_with_keys(text)
    return {below + key: comment["comment"] for key, line in lines if key and (comment := COMMENT.search(line))}


def purpose_of(name: str) -> str:
    """What a command is for: the first comment of conf/<name>.yaml."""
    return (CONF / f"{name}.yaml").read_text("utf-8").partition("\n")[0].removeprefix("# ")


def lines_with_keys(text: str) -> Iterator[tuple[str, str]]:
    """Every line with the dotted key that it begins with, '' where it does not."""
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        found = KEY.match(line)
        if not found:
            yield "", line
            continue
        indent = len(found["indent"])
        above = [each for each in above if each[0] < indent] + [(indent, found["key"])]
        yield ".".join(key for _, key in above), line
