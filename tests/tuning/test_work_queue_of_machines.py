"""Trials of a study that several machines work on, and what ends a trial."""

import time
from collections import Counter
from collections.abc import Callable

import optuna
import pytest
from optuna.trial import FrozenTrial, Trial, TrialState

from asr.errors import UserError
from asr.tuning import ownership, work_queue
from asr.tuning.storage import quiet_optuna
from asr.tuning.work_queue import WorkQueue
from tests.tuning.queues import TRIALS, at_once, done_once, log_of, points, queue_of, told


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(work_queue, "POLL_S", 0.05)
    with quiet_optuna():
        yield


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
