"""Files and folders that are written whole or not at all: what stood there stays until the new one is complete."""

import gzip
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asr.errors import UserError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A place to write a file to, which is moved to `path` once that is done; an OSError names `path`."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # several processes of one training write the same files
    try:
        yield part
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        error.filename = str(path)
        raise


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file beside its place and move it there; an OSError leaves what was there before."""
    with whole_file(path) as part:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def write_json_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """A JSON line each, whole or not at all."""
    write_whole(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """For people to read, whole or not at all."""
    write_whole(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def zipped_file(path: Path) -> Iterator[gzip.GzipFile]:
    """A compressed file without its name and the time of day: the same content is the same bytes."""
    with open(path, "wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as stream:
        yield stream


def partial_folder(target: Path) -> Path:
    """Where a long job keeps what it has done of `target`, so that it goes on there when it was killed."""
    return target.with_name(target.name + ".partial")


def is_whole(target: Path, seal: str, kind: str) -> bool:
    """Whether the folder that such a job makes is there, by the file that it writes last; what was kept for it goes.

    Raises UserError where something else, no `kind`, stands in its place.
    """
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return False
    if not (target / seal).is_file():
        raise UserError(f"{target}: is there already and is no {kind}; name a folder to be made")
    shutil.rmtree(partial_folder(target), ignore_errors=True)
    return True


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of `target` once it is filled without an error."""
    made = target.with_name(target.name + ".part")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    try:
        yield made
    except OSError as error:
        shutil.rmtree(made, ignore_errors=True)
        error.filename = str(target)
        raise
    old = old_folder(target)
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    made.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def old_folder(target: Path) -> Path:
    """Where the earlier folder stands while the new one is moved to its place."""
    return target.with_name(target.name + ".old")


def mend_folder(target: Path) -> None:
    """Bring the earlier folder back where a program was killed between the two moves."""
    if not target.exists() and old_folder(target).exists():
        old_folder(target).rename(target)
