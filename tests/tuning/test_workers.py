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

LONG = KILLS >= 10  # every storage, and more signals
EPOCHS = 40 * KILLS if LONG else 20 * KILLS  # so that there is something left to kill
GRID = ("search=grid", "+search.space={optimizer.lr: [0.003, 0.01]}", "test=winner", "workers=2", "name=killed")
POINTS = 6


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
    out, err = process.communicate(timeout=300)
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


def wait_until(true: Callable[[], object], process: subprocess.Popen | None = None, seconds: float = 60.0) -> bool:
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


def kill_worker(folder: Path, chance: random.Random) -> tuple[Path, int] | None:
    """SIGKILL one that trains; its run and the epochs that its checkpoint holds."""
    busy = [(pid, run) for pid, run in at_work(folder).items() if 0 < epochs(run) < EPOCHS]
    if not busy:
        return None
    pid, run = chance.choice(busy)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid not in at_work(folder))
    checkpoint = run / "checkpoints" / "last.ckpt"
    if not checkpoint.is_file():
        return run, 0
    kept = torch.load(checkpoint, weights_only=True)["epoch"] + 1
    assert kept >= epochs(run) - 1, "more than one epoch was lost"
    return run, kept


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
    for features, rate in product(("mfcc", "log_mel", "spectrogram"), (0.003, 0.01)):
        run_dir = folder / f"{features}-{rate}"
        settings = (f"features={features}", f"optimizer.lr={rate}", f"budget.epochs={EPOCHS}")
        assert train(tones, run_dir, *settings).status == 0
        point = json.dumps({"features": features, "optimizer.lr": rate}, sort_keys=True)
        found[point] = json.loads((run_dir / "metrics.json").read_text())["dev"]["wer"]
    torch.set_num_threads(threads)
    return found


def disturb(process: subprocess.Popen, folder: Path, kills: int) -> list[tuple[Path, int]]:
    """Kill workers in the midst of trials; what was killed."""
    chance, killed = random.Random(kills), list[tuple[Path, int]]()
    while len(killed) < kills and wait_until(lambda: training(folder), process):
        time.sleep(chance.uniform(0.0, 0.5))
        if (one := kill_worker(folder, chance)) is not None:
            killed.append(one)
    return killed


def stop(process: subprocess.Popen, how: signal.Signals) -> str:
    """End the parent; its workers must end too. What it said."""
    workers = children(process.pid)
    assert len(workers) == 2
    process.send_signal(how)
    _, err = process.communicate(timeout=30)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), seconds=15)
    assert "Traceback" not in err
    return err


def test_workers_and_parent_killed_in_the_midst_of_trials(tones, tmp_path, undisturbed):
    folder, killed = tmp_path / "sweep", []
    for how in (signal.SIGTERM, signal.SIGKILL, *([signal.SIGINT] if LONG else [])):
        with ended(sweep(tones, folder)) as process:
            assert wait_until(lambda: training(folder), process), process.communicate()
            if how == signal.SIGKILL:
                killed = disturb(process, folder, KILLS)
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
    assert len(killed) == KILLS
    logs = "".join(log.read_text() for log in (folder / "workers").glob("*.log")).replace("\n", "")
    assert all(f"going on from {run / 'checkpoints' / 'last.ckpt'}" in logs for run, kept in killed if kept)
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
            chance = random.Random(KILLS)
            for _ in range(KILLS):
                folder = chance.choice(folders)
                if not wait_until(lambda folder=folder: training(folder), (first, second)[folders.index(folder)]):
                    break
                time.sleep(chance.uniform(0.0, 0.5))
                kill_worker(folder, chance)
            for process, folder in ((first, folders[0]), (second, folders[1])):
                process.wait(timeout=300)
                trials = trials_of(storage)
                whole(process, folder, trials)
        assert values_of(trials) == undisturbed


@pytest.mark.skipif(not LONG, reason="takes a minute: ASR_KILLS=10")
def test_two_commands_in_one_folder(tones, tmp_path, undisturbed):
    folder = tmp_path / "sweep"
    with (
        ended(sweep(tones, folder, "workers=1", "threads=1")) as first,
        ended(sweep(tones, folder, "workers=1", "threads=1")) as second,
    ):
        killed = disturb(first, folder, 3)
        first.wait(timeout=300)
        second.wait(timeout=300)
        trials = trials_of(str(folder / "study.db"))
        whole(first, folder, trials)
        whole(second, folder, trials)
    assert killed
    assert values_of(trials) == undisturbed
