"""Sweeps whose processes are killed at random moments: every trial ends once, with what undisturbed training gives."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import optuna
import pytest
import torch

from asr.tuning.storage import open_storage, quiet_optuna
from tests.commands import ROOT, TINY, train
from tests.killing import KILLS
from tests.tuning.places import KINDS, storage_of

ASKED = "ASR_KILLS" in os.environ  # tests/tuning/test_work_queue.py kills workers in every run of the tests
LONG = KILLS >= 10  # every storage, and more signals
EPOCHS = min(20 * KILLS, 100)  # so that there is something left to kill
FEATURES, RATES = ("mfcc", "log_mel"), (0.003, 0.01)
SPACE = f"+search.space={{features: [{','.join(FEATURES)}], optimizer.lr: {list(RATES)}}}"
GRID = ("search=grid", SPACE, "test=winner", "workers=2", "name=killed")
POINTS = len(FEATURES) * len(RATES)


def sweep(tones: Path, folder: Path, *arguments: str, **changed: str) -> subprocess.Popen:
    command = [*TINY, *GRID, f"data.source={tones}", f"run_dir={folder}", f"budget.epochs={EPOCHS}", *arguments]
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tune.py"), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **changed},
    )


def trials_of(storage: str, name: str = "killed") -> list[optuna.trial.FrozenTrial]:
    with quiet_optuna():
        return optuna.load_study(study_name=name, storage=open_storage(storage)).get_trials()


def values_of(trials: list[optuna.trial.FrozenTrial]) -> dict[str, float]:
    return {json.dumps(trial.params, sort_keys=True): trial.values[0] for trial in trials}


def whole(process: subprocess.Popen, folder: Path, trials: list[optuna.trial.FrozenTrial]) -> None:
    """The sweep ended well, and every point of its grid was trained once."""
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "winner: trial" in out
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["trials"]["complete"] == POINTS
    assert summary["winner"]["metrics"]["test"]["wer"] >= 0
    assert [trial.number for trial in trials] == list(range(POINTS))
    assert all(trial.state == optuna.trial.TrialState.COMPLETE for trial in trials), [t.state for t in trials]
    assert len(values_of(trials)) == POINTS


# ---------------------------------------------------------------------------------------- what the killing needs to see


def children(pid: int) -> list[int]:
    """Processes begun by another, of this command."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def at_work(folder: Path) -> dict[int, Path]:
    """Who holds the lock of a trial: process -> run folder."""
    inodes = {}
    for path in (folder / "locks" / "trials").glob("[0-9]*.lock"):
        inodes[path.stat().st_ino] = folder / "trials" / path.stem
    held = re.findall(r"FLOCK\s+ADVISORY\s+WRITE (\d+) \w+:\w+:(\d+)", Path("/proc/locks").read_text())
    return {int(pid): inodes[int(inode)] for pid, inode in held if int(inode) in inodes}


def epochs(run: Path) -> int:
    history = run / "history.jsonl"
    return len(history.read_text().splitlines()) if history.is_file() else 0


def wait_until(true: Callable[[], object], process: subprocess.Popen | None = None, seconds: float = 180.0) -> bool:
    """Whether it came true before the process ended."""
    end = time.monotonic() + seconds
    while not true():
        if process is not None and process.poll() is not None:
            return False
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
    return True


def training(folder: Path) -> bool:
    return any(0 < epochs(run) < EPOCHS - 2 for run in at_work(folder).values())


def place_of(run: Path) -> int:
    """What changes when a trial gets further."""
    checkpoint = run / "checkpoints" / "last.ckpt"
    return checkpoint.stat().st_mtime_ns if checkpoint.is_file() else 0


class Killer:
    """SIGKILLs workers in the midst of trials; no trial more than twice before it gets further, or it is given up."""

    def __init__(self, seed: int) -> None:
        self.chance, self.places = random.Random(seed), dict[Path, list[int]]()
        self.killed: list[tuple[Path, int]] = []  # runs, and the epochs that their checkpoints held

    def prey(self, *folders: Path) -> list[tuple[int, Path, Path]]:
        found = [(pid, run, folder) for folder in folders for pid, run in at_work(folder).items()]
        return [each for each in found if 0 < epochs(each[1]) < EPOCHS - 2 and self.spares_not(each[1])]

    def spares_not(self, run: Path) -> bool:
        return self.places.get(run, []).count(place_of(run)) < 2

    def kill(self, *folders: Path) -> None:
        time.sleep(self.chance.uniform(0.0, 0.5))
        if not (prey := self.prey(*folders)):
            return
        pid, run, folder = self.chance.choice(prey)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: pid not in at_work(folder))
        self.places.setdefault(run, []).append(place_of(run))
        checkpoint = run / "checkpoints" / "last.ckpt"
        kept = torch.load(checkpoint, weights_only=True)["epoch"] + 1 if checkpoint.is_file() else 0
        assert kept >= epochs(run) - 1, "more than one epoch was lost"
        self.killed.append((run, kept))

    def kill_often(self, times: int, process: subprocess.Popen, *folders: Path) -> None:
        while len(self.killed) < times and wait_until(lambda: self.prey(*folders), process):
            self.kill(*folders)


@contextmanager
def ended(process: subprocess.Popen) -> Iterator[subprocess.Popen]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()


# --------------------------------------------------------------------------------------------------------------- sweeps


@pytest.fixture(scope="module")
def undisturbed(tones, tmp_path_factory) -> dict[str, float]:
    """Dev WER of every point by train.py itself, with as many threads as each worker has."""
    folder, found, threads = tmp_path_factory.mktemp("undisturbed"), {}, torch.get_num_threads()
    torch.set_num_threads(1)
    for features, rate in product(FEATURES, RATES):
        run_dir = folder / f"{features}-{rate}"
        settings = (f"features={features}", f"optimizer.lr={rate}", f"budget.epochs={EPOCHS}")
        assert train(tones, run_dir, *settings).status == 0
        point = json.dumps({"features": features, "optimizer.lr": rate}, sort_keys=True)
        found[point] = json.loads((run_dir / "metrics.json").read_text())["dev"]["wer"]
    torch.set_num_threads(threads)
    return found


def stop(process: subprocess.Popen, how: signal.Signals) -> str:
    """End the parent; its workers must end too. What it said."""
    workers = children(process.pid)
    assert len(workers) == 2
    process.send_signal(how)
    _, err = process.communicate(timeout=120)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), seconds=60)
    assert "Traceback" not in err
    return err


@pytest.mark.skipif(not ASKED, reason="takes minutes: ASR_KILLS=3 or more")
def test_workers_and_parent_killed_in_the_midst_of_trials(tones, tmp_path, undisturbed):
    folder, killer = tmp_path / "sweep", Killer(KILLS)
    for how in (signal.SIGTERM, *([signal.SIGINT] if LONG else []), signal.SIGKILL):
        with ended(sweep(tones, folder)) as process:
            assert wait_until(lambda: training(folder), process), process.communicate()
            if how == signal.SIGKILL:
                killer.kill_often(KILLS, process, folder)
                assert wait_until(lambda: len(children(process.pid)) == 2, process)
            err = stop(process, how)
        if how == signal.SIGKILL:
            assert process.returncode == -how
        else:
            assert process.returncode == 130
            assert "interrupted: the same command goes on" in err
    with ended(sweep(tones, folder)) as process:
        process.wait(timeout=300)
        trials = trials_of(str(folder / "study.db"))
        whole(process, folder, trials)
    assert values_of(trials) == undisturbed
    assert len(killer.killed) == KILLS
    logs = "".join(log.read_text() for log in (folder / "workers").glob("*.log")).replace("\n", "")
    assert all(f"going on from {run / 'checkpoints' / 'last.ckpt'}" in logs for run, kept in killer.killed if kept)
    assert all(epochs(folder / "trials" / f"{trial.number:04d}") == EPOCHS for trial in trials)


@pytest.mark.skipif(not LONG, reason="takes minutes: ASR_KILLS=10")
@pytest.mark.parametrize("kind", KINDS)
def test_two_commands_join_one_study(tones, tmp_path, undisturbed, kind):
    folders = [tmp_path / "one", tmp_path / "two"]
    with storage_of(kind, tmp_path) as storage:
        with (
            ended(sweep(tones, folders[0], f"storage={storage}", "workers=1", "threads=1")) as first,
            ended(sweep(tones, folders[1], f"storage={storage}", "workers=1", "threads=1")) as second,
        ):
            killer = Killer(KILLS)
            killer.kill_often(KILLS, first, *folders)
            for process, folder in ((first, folders[0]), (second, folders[1])):
                process.wait(timeout=300)
                trials = trials_of(storage)
                whole(process, folder, trials)
        assert values_of(trials) == undisturbed
        assert len(killer.killed) == KILLS


@pytest.mark.skipif(not LONG, reason="takes a minute: ASR_KILLS=10")
def test_two_commands_in_one_folder(tones, tmp_path, undisturbed):
    folder = tmp_path / "sweep"
    with (
        ended(sweep(tones, folder, "workers=1", "threads=1")) as first,
        ended(sweep(tones, folder, "workers=1", "threads=1")) as second,
    ):
        killer = Killer(3)
        killer.kill_often(3, first, folder)
        first.wait(timeout=300)
        second.wait(timeout=300)
        trials = trials_of(str(folder / "study.db"))
        whole(first, folder, trials)
        whole(second, folder, trials)
    assert len(killer.killed) == 3
    assert values_of(trials) == undisturbed
