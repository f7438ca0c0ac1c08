"""Trials shared by many processes: each is done once, what a killed worker leaves is taken up, a fault ends nothing."""

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, Trial, TrialState

from asr.errors import UserError
from asr.tuning import ownership, work_queue
from asr.tuning.locks import FolderLocks
from asr.tuning.storage import open_storage, quiet_optuna
from asr.tuning.work_queue import WorkQueue
from tests.tuning.places import KINDS, storage_of

TRIALS = 12
FORK = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(work_queue, "POLL_S", 0.05)
    with quiet_optuna():
        yield


def run(trial: Trial) -> list[float]:
    value = trial.suggest_float("x", 0.0, 1.0)
    time.sleep(0.01)
    return [value]


def queue_of(
    place: Path,
    run: Callable[[Trial], Sequence[float]] = run,
    trials: int | None = TRIALS,
    draws_new: bool = True,
    progress: Callable[[int], str] = lambda number: "",
    home: str = "here",
    where: str | None = None,
) -> WorkQueue:
    storage = open_storage(where or str(place / "study.db"))
    sampler = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(study_name="s", storage=storage, load_if_exists=True, sampler=sampler)

    def may_start() -> bool:
        begun = sum(trial.state != TrialState.WAITING for trial in study.get_trials(deepcopy=False))
        return trials is None or begun < trials

    return WorkQueue(study, storage, FolderLocks(place / home), run, may_start, draws_new, progress)


def log_of(place: Path) -> Callable[[str], None]:
    def tell(line: str) -> None:
        with (place / "told").open("a") as file:
            file.write(line + "\n")

    return tell


def told(place: Path) -> list[str]:
    return (place / "told").read_text().splitlines() if (place / "told").exists() else []


def at_once(place: Path, count: int, *works: Callable[[], None]) -> list[int | None]:
    """Several processes, each with connections of its own; their exit statuses."""
    processes = [FORK.Process(target=work, daemon=True) for work in works for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


def done_once(study: optuna.Study, count: int) -> None:
    trials = study.get_trials()
    assert [trial.number for trial in trials] == list(range(count))
    assert Counter(trial.state for trial in trials) == {TrialState.COMPLETE: count}
    assert all(trial.values == [trial.params["x"]] for trial in trials)


def points(study: optuna.Study, count: int = TRIALS) -> None:
    for number in range(count):
        study.enqueue_trial({"x": number / count})


# ----------------------------------------------------------------------------------------------------- each trial once


@pytest.fixture(
    params=[kind for kind in KINDS if kind != "grpc"]
)  # gRPC may hang in a fork: see test_workers.py for it
def where(request, tmp_path):
    with storage_of(request.param, tmp_path) as storage:
        yield storage


def begins(place: Path, run: Callable[[Trial], Sequence[float]] = run) -> Callable[[Trial], Sequence[float]]:
    """Writes down which trials are begun."""

    def written(trial: Trial) -> Sequence[float]:
        log_of(place)(f"begun {trial.number}")
        return run(trial)

    return written


@pytest.mark.parametrize("draws_new", [True, False])
def test_every_trial_is_done_once_in_two_folders_and_what_is_killed_is_taken_up(tmp_path, where, draws_new):
    if draws_new is False:
        points(queue_of(tmp_path, where=where).study)
    dying = begins(tmp_path, killed_at(3, tmp_path))

    def work(home: str) -> Callable[[], None]:
        return lambda: queue_of(tmp_path, dying, TRIALS, draws_new, home=home, where=where).work(log_of(tmp_path))

    statuses = at_once(tmp_path, 2, work("here"), work("there"))
    assert sorted(map(str, statuses)) == ["-9", "0", "0", "0"]
    study = queue_of(tmp_path, where=where).study
    done_once(study, TRIALS)
    assert Counter(line for line in told(tmp_path) if "begun" in line) == {
        f"begun {number}": 1 + (number == 3) for number in range(TRIALS)
    }
    if not draws_new:
        assert [trial.params["x"] for trial in study.trials] == [number / TRIALS for number in range(TRIALS)]
    assert optuna.get_all_study_names(open_storage(where)) == ["s"]


# ----------------------------------------------------------------------------------------------------- killed workers


def killed_at(number: int, place: Path, times: int = 1) -> Callable[[Trial], list[float]]:
    """Runs trials, and is killed in one of them so many times."""

    def run_or_die(trial: Trial) -> list[float]:
        value = trial.suggest_float("x", 0.0, 1.0)
        deaths = place / "deaths"
        before = len(deaths.read_text()) if deaths.exists() else 0
        if trial.number == number and before < times:
            deaths.write_text("x" * (before + 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return [value]

    return run_or_die


def test_what_a_killed_worker_leaves_is_taken_up_by_another(tmp_path):
    def work() -> None:
        queue_of(tmp_path, killed_at(3, tmp_path)).work(log_of(tmp_path))

    statuses = at_once(tmp_path, 3, work)
    assert sorted(map(str, statuses)) == ["-9", "0", "0"]
    done_once(queue_of(tmp_path).study, TRIALS)
    assert "trial 3 is taken up again: its worker ended in the midst of it" in told(tmp_path)


def test_a_trial_taken_up_keeps_its_parameters(tmp_path):
    study = queue_of(tmp_path).study
    process = FORK.Process(target=lambda: queue_of(tmp_path, killed_at(0, tmp_path)).work(log_of(tmp_path)))
    process.start()
    process.join()
    (left,) = study.trials
    assert left.state == TrialState.RUNNING
    queue_of(tmp_path, trials=1).work(log_of(tmp_path))
    assert study.trials[0].params == left.params
    assert study.trials[0].values == [left.params["x"]]


def test_a_trial_that_kills_its_workers_is_given_up_with_its_reason(tmp_path):
    def work() -> None:
        queue_of(tmp_path, killed_at(1, tmp_path, times=9)).work(log_of(tmp_path))

    statuses = []
    for _ in range(work_queue.MAX_ATTEMPTS + 1):  # one after the other, as the parent begins them anew
        statuses += at_once(tmp_path, 1, work)
    assert statuses == [-9, -9, -9, 0]
    study = queue_of(tmp_path).study
    assert Counter(trial.state.name for trial in study.trials) == {"COMPLETE": TRIALS - 1, "FAIL": 1}
    assert study.trials[1].user_attrs["reason"] == "its worker was killed 3 times at the same place: out of memory?"


def test_a_trial_that_gets_further_each_time_is_not_given_up(tmp_path):
    def further(number: int) -> str:
        deaths = tmp_path / "deaths"
        return deaths.read_text() if deaths.exists() else ""

    def work() -> None:
        queue_of(tmp_path, killed_at(1, tmp_path, times=6), progress=further).work(log_of(tmp_path))

    statuses = [at_once(tmp_path, 1, work)[0] for _ in range(7)]
    assert statuses == [-9] * 6 + [0]
    done_once(queue_of(tmp_path).study, TRIALS)


def test_a_worker_that_is_stopped_by_hand_does_not_count_against_its_trial(tmp_path):
    def stopped(trial: Trial) -> list[float]:
        raise KeyboardInterrupt

    for _ in range(work_queue.MAX_ATTEMPTS + 2):
        with pytest.raises(KeyboardInterrupt):
            queue_of(tmp_path, stopped).work(log_of(tmp_path))
    queue_of(tmp_path).work(log_of(tmp_path))
    done_once(queue_of(tmp_path).study, TRIALS)


@pytest.mark.parametrize("waits", [True, False])
def test_killed_before_anyone_could_tell_whose_trial_it_is(tmp_path, monkeypatch, waits):
    study = queue_of(tmp_path).study
    if waits:
        points(study, 2)
    monkeypatch.setattr(ownership, "UNCLAIMED_S", 0.5)

    def work() -> None:
        WorkQueue.claim = lambda self, trial: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
        queue_of(tmp_path).work(log_of(tmp_path))

    assert at_once(tmp_path, 1, work) == [-9]
    assert study.trials[0].state == TrialState.RUNNING
    queue_of(tmp_path, trials=2).work(log_of(tmp_path))
    done_once(study, 2)


# ----------------------------------------------------------------------------------------------------- another machine


def foreign(study: optuna.Study, heartbeat: float) -> FrozenTrial:
    trial = study.ask()
    trial.set_user_attr("folder_id", "another folder")
    trial.set_user_attr("heartbeat", heartbeat)
    return study.trials[trial.number]


def test_a_silent_machine_s_trial_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(ownership, "SILENT_S", 1.0)
    work = queue_of(tmp_path, trials=1)
    foreign(work.study, time.time())
    began = time.monotonic()
    work.work(log_of(tmp_path))
    assert 0.5 < time.monotonic() - began < 5
    done_once(work.study, 1)
    assert work.study.trials[0].user_attrs["folder_id"] == work.locks.folder_id


def test_a_live_machine_s_trial_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(ownership, "SILENT_S", 1.0)
    monkeypatch.setattr(ownership, "HEARTBEAT_S", 0.2)

    def slow(trial: Trial) -> list[float]:
        value = trial.suggest_float("x", 0.0, 1.0)
        if trial.number == 0:
            time.sleep(2.5)
        return [value]

    def work(home: str) -> Callable[[], None]:
        return lambda: queue_of(tmp_path, slow, 3, home=home).work(log_of(tmp_path))

    assert at_once(tmp_path, 1, work("here"), work("there")) == [0, 0]
    study = queue_of(tmp_path).study
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)
    assert not [line for line in told(tmp_path) if "taken up" in line]


def test_the_first_to_end_a_trial_counts_where_two_machines_did_it(tmp_path):
    work = queue_of(tmp_path, trials=1)

    def overtaken(trial: Trial) -> list[float]:
        other = queue_of(tmp_path).study
        other.tell(trial.number, 0.25)
        return [trial.number + 0.75]

    queue_of(tmp_path, overtaken, 1).work(log_of(tmp_path))
    assert [trial.value for trial in work.study.trials] == [0.25]


# ---------------------------------------------------------------------------------------------------- faults in trials


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (UserError("too many are left out"), "FAIL", "too many are left out"),
        (MemoryError("7 GiB"), "FAIL", "out of memory: 7 GiB"),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), "FAIL", "out of memory: DefaultCPUAllo"),
        (ZeroDivisionError("division by zero"), "FAIL", "ZeroDivisionError: division by zero"),
        (optuna.TrialPruned("promises nothing"), "PRUNED", "promises nothing"),
        (float("nan"), "FAIL", "its result is no number: nan"),
        (float("inf"), "FAIL", "its result is no number: inf"),
    ],
)
def test_whatever_happens_to_a_trial_is_written_beside_it_and_ends_nothing(tmp_path, error, state, reason):
    def run_or_raise(trial: Trial) -> list[float]:
        value = trial.suggest_float("x", 0.0, 1.0)
        if trial.number == 1:
            if isinstance(error, float):
                return [error]
            raise error
        return [value]

    work = queue_of(tmp_path, run_or_raise, 4)
    work.work(log_of(tmp_path))
    trials = work.study.trials
    assert [trial.state.name for trial in trials] == ["COMPLETE", state, "COMPLETE", "COMPLETE"]
    assert trials[1].user_attrs["reason"].startswith(reason)


@pytest.mark.parametrize("limit", [1, 5, 7])
def test_the_limit_of_trials_is_exact(tmp_path, limit):
    points(queue_of(tmp_path).study, 3)

    def work() -> None:
        queue_of(tmp_path, trials=limit).work(log_of(tmp_path))

    assert at_once(tmp_path, 5, work) == [0] * 5
    states = Counter(trial.state.name for trial in queue_of(tmp_path).study.trials)
    assert states["COMPLETE"] == limit
    assert states["RUNNING"] == states["FAIL"] == 0


def test_a_sampler_with_a_seed_draws_the_same_trials_whoever_does_them(tmp_path):
    def drawn(name: str, count: int) -> list[float]:
        place = tmp_path / name
        place.mkdir()
        queue_of(place)

        def work() -> None:
            made = queue_of(place)
            seeded = WorkQueue(**{**vars(made), "sampler": lambda number: optuna.samplers.RandomSampler(seed=number)})
            seeded.work(log_of(place))

        assert at_once(place, count, work) == [0] * count
        return [trial.params["x"] for trial in queue_of(place).study.trials]

    one = drawn("one", 1)
    assert drawn("three", 3) == one
    assert len(set(one)) == TRIALS
