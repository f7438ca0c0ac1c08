"""Who works on what: locks that the system releases when a process ends, however it ends."""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asr.writing import write_whole


class Claims:
    """Locks in a folder that the processes of one machine, or of a shared disk, see alike."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One process at a time."""
        with (self.folder / "turn.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def take(self, name: str, wait: bool = False) -> "Claim | None":
        """Hold `name` until the claim is let go or the process ends; None where another holds it and we do not wait."""
        descriptor = os.open(self.folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return Claim(descriptor)

    @property
    def home(self) -> str:
        """What tells this folder from any other, on whichever machine it is looked at."""
        file = self.folder / "home"
        if not file.exists():
            write_whole(file, uuid.uuid4().hex)
        return file.read_text("utf-8")


class Claim:
    """A lock that is held; `let_go` ends it, as the end of the process does."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def let_go(self) -> None:
        os.close(self.descriptor)
