"""The worker processes of a sweep on this machine: started, started again where one is killed, and ended together."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

MAX_RESTARTS = 5  # of each worker, without a trial that ended in between


@dataclass
class WorkerProcesses:
    """`count` processes of one command, the words after python; threads: of each, None where they are left as they are.

    What they write goes to workers/<number>.log below `folder`. Use as a context: leaving it ends them.
    """

    command: Sequence[str]
    folder: Path
    count: int
    threads: int | None
    processes: dict[int, subprocess.Popen] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)  # number -> exit status
    restarts: int = 0
    trials_ended: int = 0

    def __enter__(self) -> "WorkerProcesses":
        (self.folder / "workers").mkdir(parents=True, exist_ok=True)
        for number in range(1, self.count + 1):
            self.start(number)
        return self

    def log(self, number: int) -> Path:
        return self.folder / "workers" / f"{number}.log"

    def start(self, number: int) -> None:
        environment = dict(os.environ)
        if self.threads:
            environment |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(self.threads))
        if (devices := torch.cuda.device_count()) > 1:
            environment["CUDA_VISIBLE_DEVICES"] = str((number - 1) % devices)
        with self.log(number).open("ab") as log:
            self.processes[number] = subprocess.Popen(
                [sys.executable, *self.command], stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment
            )

    def restart_killed(self, trials_ended: int) -> list[str]:
        """Start each worker again that a signal killed, a limited number of times; returns notes to print."""
        notes = []
        if trials_ended > self.trials_ended:
            self.trials_ended, self.restarts = trials_ended, 0
        for number, process in list(self.processes.items()):
            status = process.poll()
            if status is None:
                continue
            del self.processes[number]
            killed = status < 0 and -status not in (signal.SIGINT, signal.SIGTERM)
            if killed and self.restarts < MAX_RESTARTS * self.count:
                self.restarts += 1
                notes.append(
                    f"worker {number} was killed by signal {-status}{memory_hint(status)}; it is started again"
                )
                self.start(number)
            else:
                self.ended[number] = status
        return notes

    @property
    def all_ended(self) -> bool:
        return not self.processes

    def explain_early_end(self, number: int) -> str:
        """Why a worker ended with another status than 0."""
        status = self.ended[number]
        if status < 0:
            reason = f"killed by signal {-status}{memory_hint(status)} again and again while no trial ended"
        else:
            reason = self.end_of_log(number)
        return f"worker {number} ended early: {reason}\n(its log: {self.log(number)})"

    def end_of_log(self, number: int) -> str:
        """The end of a worker's log, or the error that it ended with."""
        lines = self.log(number).read_text("utf-8", "replace").splitlines()
        starts = [place for place, line in enumerate(lines) if line.startswith("error: ")]
        return "\n".join(lines[starts[-1] :] if starts else lines[-5:]).removeprefix("error: ")

    def __exit__(self, *error) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def memory_hint(status: int) -> str:
    return " (out of memory?)" if -status == signal.SIGKILL else ""


def end_with_parent() -> None:
    """End this process when the one that started it ends, however it ends: our standard input is closed then."""

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)  # not through a buffer, whose lock would outlive the main thread
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def threads_of(count: int, wanted: int | None) -> int | None:
    """Threads of each of `count` workers; None leaves a single one all that there are."""
    if wanted is not None or count == 1:
        return wanted
    return max(1, (os.cpu_count() or 1) // count)
