"""Trials shared by many processes: each is done once, what a killed worker leaves is taken up, a fault ends nothing."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.trial import Trial, TrialState

from asr.tuning import ownership, work_queue
from asr.tuning.storage import open_storage, quiet_optuna
from asr.tuning.work_queue import WorkQueue
from tests.tuning.places import KINDS, storage_of
from tests.tuning.queues import FORK, TRIALS, at_once, begins, done_once, log_of, points, queue_of, told


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(work_queue, "POLL_S", 0.05)
    with quiet_optuna():
        yield


@pytest.fixture(
    params=[kind for kind in KINDS if kind != "grpc"]
)  # gRPC may hang in a fork: see test_workers.py for it
def where(request, tmp_path):
    with storage_of(request.param, tmp_path) as storage:
        yield storage


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
