"""Work queues over small studies, for the tests: what they run, and what their workers said."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
from optuna.trial import Trial, TrialState

from asr.tuning.locks import FolderLocks
from asr.tuning.storage import open_storage
from asr.tuning.work_queue import WorkQueue

TRIALS = 12
FORK = multiprocessing.get_context("fork")


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


def begins(place: Path, run: Callable[[Trial], Sequence[float]] = run) -> Callable[[Trial], Sequence[float]]:
    """Writes down which trials are begun."""

    def written(trial: Trial) -> Sequence[float]:
        log_of(place)(f"begun {trial.number}")
        return run(trial)

    return written
