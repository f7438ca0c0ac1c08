"""Worker processes: what they are started with, and what becomes of those that a signal kills."""

import os
import signal
import time
from pathlib import Path

from asr.tuning.processes import MAX_RESTARTS, WorkerProcesses

DIES = "import os, signal, sys; print(*sys.argv[1:], flush=True); os.kill(os.getpid(), signal.SIGKILL)"
FAILS = "import sys; print('error: no such corpus', file=sys.stderr); sys.exit(2)"


def run(workers: WorkerProcesses) -> list[str]:
    """Until all have ended; the notes."""
    notes, end = [], time.monotonic() + 60
    with workers:
        while not workers.all_ended:
            assert time.monotonic() < end
            notes += workers.restart_killed(0)
            time.sleep(0.02)
    return notes


def test_a_killed_worker_starts_again_with_the_same_words_a_limited_number_of_times(tmp_path: Path):
    before = dict(os.environ)
    workers = WorkerProcesses(["-c", DIES, "--worker-until", "inf", "search=quick"], tmp_path, 1, None)
    notes = run(workers)
    assert notes == ["worker 1 was killed by signal 9 (out of memory?); it is started again"] * MAX_RESTARTS
    assert workers.log(1).read_text() == "--worker-until inf search=quick\n" * (MAX_RESTARTS + 1)
    assert workers.ended == {1: -signal.SIGKILL}
    assert "killed by signal 9 (out of memory?) again and again" in workers.explain_early_end(1)
    assert dict(os.environ) == before


def test_a_worker_that_ends_with_an_error_is_left_and_its_error_is_shown(tmp_path: Path):
    workers = WorkerProcesses(["-c", FAILS], tmp_path, 2, 1)
    assert run(workers) == []
    assert workers.ended == {1: 2, 2: 2}
    assert workers.explain_early_end(2).startswith("worker 2 ended early: no such corpus\n(its log: ")
