"""tune.py as a person types it, on a language of three tones: a grid with folds, a search with finals, the winner."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import mean

import optuna
import pytest
import yaml

from asr.configuration.compose import load_configuration
from asr.configuration.search_path import CONF
from tests.commands import ROOT, train

TINY = ("augment=none", "trainer.accelerator=cpu", "trainer.precision=32-true", "trainer.examples=1",
        "data.batch_seconds=8", "schedule.warmup_steps=5")  # fmt: skip


def sweep(tones: Path, folder: Path, *arguments: str) -> dict:
    """Run a sweep to its end; what its summary.json holds."""
    command = [sys.executable, "tune.py", *TINY, f"data.source={tones}", f"run_dir={folder}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))
    logs = "".join(log.read_text("utf-8")[-2000:] for log in folder.glob("workers/*.log"))
    assert done.returncode == 0, done.stderr + logs
    return json.loads((folder / "summary.json").read_text("utf-8"))


def trials_of(folder: Path, name: str) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{folder / 'study.db'}").trials


FIXED = ("encoder=mlp", "encoder.layers=1", "encoder.dim=32", "budget.epochs=6", "optimizer.lr=0.01")
SEARCH = ("search=architecture", "encoder=bilstm", "encoder.units=64", "trials=5", "budget.epochs=5",
          "finals.count=1", "finals.seeds=2", "sampler=random", "pruner=median",
          "trainer.average_decay=0.99")  # fmt: skip


@pytest.fixture(scope="module")
def folded(tones, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweeps") / "folded"
    space = "+search.space={features: [mfcc, log_mel]}"
    return folder, sweep(tones, folder, "search=grid", space, *FIXED, "cv.folds=3", "test=winner")


def test_a_grid_with_folds_is_the_same_trainings_by_hand(folded, tones, tmp_path):
    folder, _ = folded
    trials = trials_of(folder, "grid")
    assert [trial.params["features"] for trial in trials] == ["mfcc", "log_mel"]
    rates = []
    for fold in (1, 2, 3):
        part = ("data.folds=3", f"data.fold={fold}")
        done = train(tones, tmp_path / str(fold), *TINY, *FIXED, "features=log_mel", *part)
        assert done.status == 0, done.err
        rates.append(json.loads((tmp_path / str(fold) / "metrics.json").read_text("utf-8"))["dev"]["wer"])
    assert [part["dev"]["wer"] for part in trials[1].user_attrs["folds"]] == rates
    assert trials[1].values == [mean(rates)]


def test_after_folds_the_winner_is_trained_on_train_alone(folded):
    folder, summary = folded
    assert summary["winner"]["overrides"][0].startswith("features=")
    assert (Path(summary["winner"]["folder"]) / "report.html").is_file()
    assert [each["label"] for each in summary["finals"]] == [summary["winner"]["label"]]  # a search without finals
    assert summary["winner"]["metrics"]["test"]["utterances"] > 0
    scored = [path for path in folder.rglob("metrics.json") if "test" in json.loads(path.read_text("utf-8"))]
    assert scored == [Path(summary["winner"]["folder"]) / "metrics.json"]  # test is touched by the winner alone


@pytest.fixture(scope="module")
def searched(tones, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweeps") / "searched"
    return folder, sweep(tones, folder, *SEARCH)


def test_the_first_trial_is_the_configuration_as_it_stands(searched):
    folder, _ = searched
    first = trials_of(folder, "architecture")[0]
    assert first.params == {"encoder.layers (bilstm)": 3, "encoder.dropout": 0.2, "optimizer.lr": 0.001}
    assert "encoder=bilstm" not in first.user_attrs["overrides"]  # it is given, not searched for


def test_the_winner_is_the_least_mean_over_fresh_seeds(searched):
    _, summary = searched
    finals = summary["finals"]
    assert [each["dev"] for each in finals] == sorted(each["dev"] for each in finals)
    assert summary["winner"]["label"] == finals[0]["label"]
    assert all(len(each["dev_each"]) == 2 and each["dev"] == mean(each["dev_each"]) for each in finals)
    seeds = {
        yaml.safe_load((Path(path) / "config.yaml").read_text())["seed"] for each in finals for path in each["folders"]
    }
    assert seeds == {2, 3}
    low, high = summary["winner"]["dev_ci95"]
    assert low <= summary["winner"]["dev"] <= high


def test_the_winner_as_an_experiment_is_the_winner(searched, monkeypatch):
    folder, summary = searched
    copied = CONF / "experiment" / "found_by_a_test.yaml"
    copied.write_text((folder / "winner.yaml").read_text("utf-8"), "utf-8")
    try:
        found = load_configuration("train", ["experiment=found_by_a_test"])
    finally:
        copied.unlink()
    trained = yaml.safe_load((Path(summary["winner"]["folder"]) / "config.yaml").read_text("utf-8"))
    for part in ("encoder", "features", "augment", "optimizer", "schedule", "loss", "tokenizer"):
        assert found[part] == trained[part], part
    told = yaml.safe_load((folder / "winner.yaml").read_text("utf-8"))["trainer"]
    assert told == {key: trained["trainer"][key] for key in told} and "average_decay" in told
    assert not {"accelerator", "precision"} & set(told)  # of the machine that it was found on


def test_trials_that_end_early_say_why_and_the_table_holds_all(searched):
    folder, summary = searched
    trials = trials_of(folder, "architecture")
    assert len(trials) == 5
    assert all(trial.state.is_finished() for trial in trials)
    assert summary["trials"]["complete"] + summary["trials"]["pruned"] == 5
    for trial in trials:
        if trial.state == optuna.trial.TrialState.PRUNED:
            assert "of its budget" in trial.user_attrs["reason"]
    assert len((folder / "results.csv").read_text("utf-8").splitlines()) == 6


def test_a_finished_sweep_is_shown_and_not_trained_again(searched, tones):
    folder, summary = searched
    (folder / "report.html").write_text("as it was when its writer was killed")
    os.utime(folder / "report.html", (0, 0))
    assert sweep(tones, folder, *SEARCH) == summary
    assert len(trials_of(folder, "architecture")) == 5
    assert "search=architecture</h1>" in (folder / "report.html").read_text("utf-8")


def test_two_workers_learn_from_an_earlier_sweep(searched, tones, tmp_path):
    earlier, summary = searched
    arguments = [each for each in SEARCH if not each.startswith(("trials=", "finals."))]
    found = sweep(
        tones, tmp_path / "second", *arguments, "trials=3", "workers=2", "finals.count=0", f"start.earlier={earlier}"
    )
    trials = trials_of(tmp_path / "second", "architecture")
    taken = [trial for trial in trials if "from" in trial.user_attrs]
    assert len(taken) == summary["trials"]["complete"] and len(trials) == len(taken) + 3
    assert all(trial.state.is_finished() for trial in trials)
    own = {trial.number: trial.values[0] for trial in trials if trial.values and trial not in taken}
    assert found["winner"]["dev"] == min(own.values())  # the earlier ones were trained elsewhere
    assert Path(found["winner"]["folder"]).parent == tmp_path / "second" / "trials"
    logs = [path.read_text("utf-8") for path in sorted((tmp_path / "second" / "workers").glob("*.log"))]
    assert len(logs) == 2 and sum(log.count(": complete") + log.count(": pruned") for log in logs) == 3


def better(one: optuna.trial.FrozenTrial, other: optuna.trial.FrozenTrial) -> bool:
    """In one objective at least, and worse in none."""
    pairs = list(zip(one.values, other.values, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def test_two_objectives_leave_a_front(tones, tmp_path):
    arguments = [
        "search=architecture",
        "encoder=mlp",
        "encoder.context=4",
        "sampler=nsga2",
        "trials=4",
        "budget.epochs=2",
    ]
    found = sweep(tones, tmp_path, *arguments, "objectives=[wer,parameters]", "finals.count=1", "finals.seeds=1")
    trials = trials_of(tmp_path, "architecture")
    assert len(trials) == 4 and all(len(trial.values) == 2 for trial in trials)
    assert all(trial.values[1] == trial.user_attrs["metrics"]["train"]["parameters"] for trial in trials)
    finalists = {int(each["label"].split()[1].rstrip(",")) for each in found["finals"]}
    assert finalists & {trial.number for trial in trials if not any(better(each, trial) for each in trials)}
    assert "Pareto front" in (tmp_path / "report.html").read_text("utf-8")


def test_a_sweep_by_cer_goes_by_it_to_the_end(tones, tmp_path):
    arguments = ["search=architecture", "encoder=mlp", "encoder.context=4", "sampler=random", "pruner=none",
                 "trials=2", "budget.epochs=4", "finals.count=1", "finals.seeds=2"]  # fmt: skip
    found = sweep(tones, tmp_path, *arguments, "objectives=[cer]")
    assert found["rate"] == "cer"
    for trial in trials_of(tmp_path, "architecture"):
        of_dev = trial.user_attrs["metrics"]["dev"]
        assert trial.values == [of_dev["cer"]] != [of_dev["wer"]]
        assert trial.intermediate_values[20] == pytest.approx(of_dev["cer"])
    first, second = found["finals"]
    for each in found["finals"]:
        runs = [Path(folder) for folder in each["folders"]]
        assert all(yaml.safe_load((run / "config.yaml").read_text())["trainer"]["monitor"] == "cer" for run in runs)
        assert each["dev_each"] == [json.loads((run / "metrics.json").read_text())["dev"]["cer"] for run in runs]
        assert each["dev"] == mean(each["dev_each"])
        assert each["dev_ci95"][0] < each["dev"] < each["dev_ci95"][1]
    assert first["dev"] <= second["dev"] and found["winner"]["label"] == first["label"]
    (tested,) = {json.dumps(each["difference"]) for each in found["against"].values()}
    assert json.loads(tested) == pytest.approx(first["dev"] - second["dev"])
    said = (tmp_path / "winner.yaml").read_text("utf-8")
    assert yaml.safe_load(said)["trainer"]["monitor"] == "cer"
    assert f"dev CER {found['winner']['dev']:.2%}, test CER" in said
    assert "CER on test" in (tmp_path / "report.html").read_text("utf-8")
