"""What a person gets wrong in a sweep is told at once, by its key and with what to do; nothing is tried endlessly."""

import os
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from hydra.utils import instantiate
from optuna.trial import Trial

from asr.configuration.compose import load_configuration, load_values
from asr.errors import UserError
from asr.tuning.locks import FolderLocks
from asr.tuning.processes import WorkerProcesses
from asr.tuning.storage import open_storage, quiet_optuna
from asr.tuning.sweep import sweep_of
from asr.tuning.work_queue import WorkQueue
from tests.commands import ROOT, TINY, run
from tests.tuning.places import free_port
from tests.tuning.studies import RATES


def error_of(folder: Path, *arguments: str) -> str:
    """What tune.py says in place of beginning workers."""
    return run("tune", f"run_dir={folder}", *arguments).error


@pytest.fixture(autouse=True)
def no_workers(monkeypatch, request):
    def start(self, number: int) -> None:
        raise AssertionError("a worker is started")

    monkeypatch.setattr(WorkerProcesses, "start", start)
    with quiet_optuna():
        yield


# ----------------------------------------------------------------------------------------------------- before anything


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["trails=3"], "trails=3: no such key; did you mean trials?"),
        (["serach=quick"], "did you mean search?"),
        (["finals.cout=1"], "finals.cout: no such key; did you mean finals.count?"),
        (["encodr=mlp"], "encodr: no such key; did you mean encoder?"),
        (["search=quik"], "search=quik: no such choice; did you mean quick?"),
        (["sampler=tpee"], "sampler=tpee: no such choice; did you mean tpe?"),
        (["+search.space={optimizer.ler: [1, 2]}"], "optimizer.ler: no such key; did you mean optimizer.lr?"),
        (["+search.space={optimizer.lr: [abc, 1]}", "search=grid"], "optimizer.lr=abc: a number above 0 is wanted"),
        (
            ["+search.space={optimizer.lr: {low: 0.1, high: 0.2}}", "search=grid"],
            "optimizer.lr is a range without steps",
        ),
        (["encoder=mlp", "features=mfcc", "optimizer.lr=1"], "nothing is left to vary"),
        (["start.known=[{encoder: mlp}]"], "start.known: encoder=mlp lies outside of search=quick"),
        (["start.earlier=/nowhere"], "start.earlier=/nowhere: no such study"),
    ],
)
def test_what_is_mistyped_is_told_before_anything_is_trained(tmp_path, arguments, told):
    assert told in error_of(tmp_path, *arguments)


@pytest.mark.parametrize(
    "argument",
    ["workers=0", "threads=0", "trials=0", "finals.count=-1", "finals.seeds=0", "cv.folds=1", "objectives=[wre]",
     "objectives=[]", "objectives=cer", "test=best", "search.space=null", "budget.total_minutes=0"],
)  # fmt: skip
def test_settings_that_cannot_be(argument):
    with pytest.raises(UserError, match=argument.partition("=")[0].replace("search.space", "search=")):
        sweep_of(load_values("tune", [argument]), [], RATES, "wer")


def test_too_little_time_for_the_finals():
    settings = load_values("tune", ["budget.total_minutes=5"])
    with pytest.raises(UserError, match=r"budget.total_minutes=5: one trial of budget.minutes=2 .* take 18 already"):
        sweep_of(settings, ["budget.minutes=2"], RATES, "wer")
    settings = load_values("tune", ["budget.total_minutes=5", "finals.minutes=3"])
    with pytest.raises(UserError, match=r"budget.total_minutes=5: the finals alone .* take longer"):
        sweep_of(settings, [], RATES, "wer")


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        (
            "postgresql://me:se@cret@127.0.0.1:PORT/x",
            r"storage=postgresql://me:\*\*\*@127.0.0.1:\d+/x: cannot be reached",
        ),
        ("postgresql:/me:se@cret@host", r"storage=postgresql:/me:\*\*\*@host: not a place to keep a study"),
        ("foo://me:se@cret@host", r"storage=foo://me:\*\*\*@host: not a place to keep a study"),
        ("mysql://me:se@cret@host/x", r"storage=mysql://me:\*\*\*@host/x: its driver MySQLdb is not installed: pip"),
        ("journal:FILE/study.log", r"storage=journal:.*study.log: cannot be reached"),
        ("FILE/study.db", r"storage=.*study.db: cannot be reached"),
    ],
)
def test_a_storage_that_cannot_be_reached(tmp_path, storage, told):
    (tmp_path / "file").write_text("in the way of a folder")
    where = storage.replace("PORT", str(free_port())).replace("FILE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=told) as raised:
        open_storage(where)
    assert "se@cret" not in str(raised.value)


def test_a_study_of_another_search_under_the_same_name(tmp_path):
    settings = (f"storage={tmp_path / 'study.db'}", "name=mine", "encoder=mlp", "features=mfcc")
    with pytest.raises(AssertionError, match="a worker is started"):
        run("tune", f"run_dir={tmp_path / 'one'}", *settings)
    message = error_of(tmp_path / "two", *settings, "data.batch_seconds=7")
    assert "the study mine is there already, with overrides" in message
    assert "another name=" in message


# ------------------------------------------------------------------------------------------------ samplers and pruners


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", "gp", "nsga2"])
@pytest.mark.parametrize("pruner", ["median", "late", "halving", "hyperband", "none"])
def test_every_sampler_with_every_pruner(tmp_path, sampler, pruner, monkeypatch):
    config = load_configuration("tune", [f"sampler={sampler}", f"pruner={pruner}"])
    parts = instantiate(config.sampler), instantiate(config.pruner)
    storage = optuna.storages.InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name="s", sampler=parts[0], pruner=parts[1])

    def climb(trial: Trial) -> list[float]:
        value = (trial.suggest_float("x", 0.1, 10, log=True) - 1) ** 2 + trial.suggest_int("n", 0, 3)
        value += trial.suggest_categorical("c", ["a", "b"]) == "a"
        for rung in range(1, 21):
            trial.report(value, rung)
            if rung < 20 and trial.should_prune():
                raise optuna.TrialPruned("promises nothing")
        return [value]

    def sampler_of(number: int):
        return instantiate(config.sampler, seed=number)

    told: list[str] = []

    def may_start() -> bool:
        return len(study.trials) < 11

    WorkQueue(study, storage, FolderLocks(tmp_path), climb, may_start, True, lambda _: "", sampler_of).work(told.append)
    assert len(study.trials) == 11, told
    assert {trial.state.name for trial in study.trials} <= {"COMPLETE", "PRUNED"}, told
    assert study.best_value < 5


# ------------------------------------------------------------------------------------------------------- with workers


def sweep(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "tune.py"), *TINY, "search=grid", f"run_dir={folder}", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


def test_a_source_that_is_not_there_is_told_once(tmp_path):
    done = sweep(tmp_path / "sweep", f"data.source={tmp_path / 'nowhere'}")
    assert done.returncode == 2
    assert done.stderr.count(f"{tmp_path / 'nowhere'}") == 1
    assert "worker 1 ended early" in done.stderr
    assert "Traceback" not in done.stderr
    trials = optuna.load_study(study_name="grid", storage=open_storage(str(tmp_path / "sweep" / "study.db"))).trials
    assert {trial.state.name for trial in trials} == {"WAITING"}


def test_trials_that_diverge_or_cannot_be_aligned_are_recorded_and_the_study_goes_on(tones, tmp_path):
    space = "search.space={optimizer.lr: [0.01, 1.0e+30], features.hop_ms: [10, 120]}"
    settings = ("features=mfcc", f"+{space}", "schedule.warmup_steps=0", "test=winner", "features.window_ms=120")
    done = sweep(tmp_path / "sweep", f"data.source={tones}", *settings)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    trials = optuna.load_study(study_name="grid", storage=open_storage(str(tmp_path / "sweep" / "study.db"))).trials
    reasons = {(t.params["optimizer.lr"], t.params["features.hop_ms"]): t.user_attrs.get("reason", "") for t in trials}
    assert reasons[0.01, 10] == ""
    assert "lower optimizer.lr" in reasons[1e30, 10]
    assert reasons[0.01, 120].startswith("40 of 60 utterances")
    assert reasons[1e30, 120].startswith("40 of 60 utterances")
