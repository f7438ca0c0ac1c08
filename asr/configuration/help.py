"""What --help says of the configuration: every key with its value, and the comment that stands beside it in conf/."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

KEY = re.compile(r"(?P<indent> *)(?P<key>\w+):")
COMMENT = re.compile(r"\s#\s+(?P<comment>.*)$")
WIDTH = 40  # of a key with its value, where a comment follows


def explained(text: str, comments: Mapping[str, str]) -> Iterator[str]:
    """The lines of a configuration as YAML, with the comments of its keys (`a.b`)."""
    for path, line in with_paths(text):
        yield f"{line:<{WIDTH}} # {comments[path]}" if path in comments else line


def comments_in(conf: Path, name: str, choices: Mapping[str, str | None]) -> dict[str, str]:
    """By key: of conf/<name>.yaml, and of the files of groups, of those with a choice only the chosen one."""
    found = comments_of(conf / f"{name}.yaml", "")
    for file in sorted(conf.glob("*/**/*.yaml")):
        group = str(file.parent.relative_to(conf))
        if choices.get(group, file.stem) == file.stem:
            found |= comments_of(file, group.replace("/", ".") + ".")
    return found


def comments_of(file: Path, prefix: str) -> dict[str, str]:
    lines = with_paths(file.read_text("utf-8"))
    return {prefix + path: comment["comment"] for path, line in lines if path and (comment := COMMENT.search(line))}


def with_paths(text: str) -> Iterator[tuple[str, str]]:
    """Every line with the dotted path of the key that it begins with, '' where it does not."""
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        found = KEY.match(line)
        if not found:
            yield "", line
            continue
        indent = len(found["indent"])
        above = [each for each in above if each[0] < indent] + [(indent, found["key"])]
        yield ".".join(key for _, key in above), line
