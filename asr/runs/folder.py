"""A run is a folder: how it is chosen, whether an interrupted run is continued, which files it begins with."""

import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml

from asr.configuration.old_names import with_current_names
from asr.errors import UserError, one_line
from asr.writing import mend_folder, write_whole

# between an interrupted run and its continuation
KEYS_THAT_MAY_DIFFER = ("run_dir", "name", "data.workers", "data.cache_gib", "data.cache_dir")


@dataclass(frozen=True)
class RunFolder:
    """Paths inside runs/<experiment>/<name>/."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.json"

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def history(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def rejected(self) -> Path:
        return self.path / "rejected.jsonl"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def finished(self) -> bool:
        return self.metrics.is_file() and self.report.is_file()

    def how_to_go_on(self, epoch: int) -> str:
        """What an interrupted training leaves, and what to type."""
        if not self.checkpoint.is_file():
            return f"interrupted before the first validation: the same command begins anew in {self.path}"
        return (
            f"interrupted in epoch {epoch}: the same command goes on after the last validation; "
            f"the best model so far is {self.model}"
        )


def open_run(values: Mapping[str, Any]) -> RunFolder:
    """The folder this configuration trains in: the one asked for, an interrupted one of the same, or a new one.

    values: what conf/train.yaml describes, composed. Raises UserError where run_dir holds another run or something
    else, naming what differs.
    """
    folder = RunFolder(Path(values["run_dir"])) if values["run_dir"] else free_folder(values)
    mend_folder(folder.model)
    if folder.config.is_file():
        different = differences(values, read_config(folder.config))
        if different:
            raise UserError(f"{folder.path} holds a run with {'; '.join(different[:4])}: give another run_dir")
    elif folder.path.is_dir() and any(path.suffix != ".part" for path in folder.path.iterdir()):
        raise UserError(f"{folder.path} is not empty and not a run: give another run_dir")
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"run_dir={folder.path}: cannot be made ({error.strerror}); give another run_dir") from error
    if not folder.config.is_file():
        written = {**values, "environment": environment()}
        write_whole(folder.config, yaml.safe_dump(written, sort_keys=False, allow_unicode=True))
    return folder


def free_folder(values: Mapping[str, Any]) -> RunFolder:
    """runs/<experiment>/<name>, or with -2, -3 … where a finished or different run has the name."""
    base = Path("runs") / (values["choices"].get("experiment") or "default") / values["name"]
    number = 1
    while True:
        folder = RunFolder(base if number == 1 else base.with_name(f"{base.name}-{number}"))
        if not folder.path.exists():
            return folder
        interrupted = folder.config.is_file() and not folder.finished
        if interrupted and not differences(values, read_config(folder.config)):
            return folder
        number += 1


def read_config(path: Path) -> dict[str, Any]:
    """A run's config.yaml as plain values; UserError naming it where it is damaged."""
    try:
        found = with_current_names(yaml.safe_load(path.read_text("utf-8")))
        if not isinstance(found, dict):
            raise ValueError("no keys in it")
    except (yaml.YAMLError, OSError, ValueError, RecursionError) as error:
        reason = one_line(error)
        raise UserError(f"{path}: not the configuration of a run ({reason}); give the folder of another run") from error
    return found


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Keys whose values differ, as 'key=theirs instead of ours'."""
    ignored = ["environment.", "trainer.precision", *KEYS_THAT_MAY_DIFFER]
    if "task" not in theirs:  # a run of an earlier version, which transcribes
        ignored += ["task.", "choices.task", "trainer.monitor"]
    one, other = with_dotted_keys(dict(ours)), with_dotted_keys(dict(theirs))
    keys = [key for key in {**other, **one} if not key.startswith(tuple(ignored))]
    keys = [
        key for key in keys if not key.startswith("task.") or key.removeprefix("task.") not in one
    ]  # the task repeats its groups
    return [f"{key}={other.get(key)} instead of {one.get(key)}" for key in keys if one.get(key) != other.get(key)]


def with_dotted_keys(values: object, prefix: str = "") -> dict[str, object]:
    """The leaves of nested dicts, by their keys with dots between."""
    if not isinstance(values, dict):
        return {prefix: values}
    found: dict[str, object] = {}
    for key, value in values.items():
        found |= with_dotted_keys(value, f"{prefix}.{key}" if prefix else str(key))
    return found


def environment() -> dict[str, object]:
    """The program and the machine, as they are written beside every result."""
    packages = ("torch", "torchaudio", "pytorch-lightning", "lhotse", "jiwer")
    return {
        "commit": source_commit(),
        **{package: version(package) for package in packages},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "started": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def source_commit() -> str | None:
    """The commit of the program, with a + where files differ from it."""
    here = Path(__file__).parent
    try:
        commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=here, capture_output=True, text=True)
        changed = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True)
    except OSError:
        return None
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "") if commit.returncode == 0 else None
