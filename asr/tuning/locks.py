"""Locks in a folder, which the system releases when a process ends, however it ends."""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asr.writing import write_whole


class FolderLocks:
    """Locks that all processes of one machine, or of a shared disk, see alike."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Wait until no other process is in this block."""
        with (self.folder / "turn.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def acquire(self, name: str, wait: bool = False) -> "Lock | None":
        """Hold the lock `name` until it is released or the process ends; None where it is taken and `wait` is off."""
        descriptor = os.open(self.folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return Lock(descriptor)

    def is_free(self, name: str) -> bool:
        """Whether nobody holds the lock `name`."""
        lock = self.acquire(name)
        if lock is not None:
            lock.release()
        return lock is not None

    @property
    def folder_id(self) -> str:
        """What tells this folder from any other, also from one of the same path on another machine."""
        file = self.folder / "folder_id"
        if not file.exists():
            write_whole(file, uuid.uuid4().hex)
        return file.read_text("utf-8")


class Lock:
    """A lock that is held."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def release(self) -> None:
        os.close(self.descriptor)
