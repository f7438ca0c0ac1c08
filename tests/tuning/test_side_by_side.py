"""Parts of one measurement pooled, and conditions side by side, in a sweep over models of labels."""

import json
import os
import subprocess
import sys

import optuna
import pytest

from tests.commands import ROOT, run
from tests.tasks.classify.conftest import moods  # noqa: F401  # the corpus of moods

SEARCH = """# @package _global_
defaults:
  - override /sampler: grid
  - override /pruner: none
finals: {count: 0}
test: all
beside: data.split_by
search:
  space:
    data.split_by: [speaker, random]
    data.test_folds: [2]
    data.test_fold: [1, 2]
    model: [logistic_regression, knn]
"""


@pytest.fixture(scope="module")
def swept(moods, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("sweeps") / "systems"
    own = tmp_path_factory.mktemp("conf")
    (own / "search").mkdir()
    (own / "search" / "two.yaml").write_text(SEARCH)
    command = [sys.executable, "tune.py", "--config-dir", str(own), "search=two", "task=emotion",
               f"data.source={moods}", f"run_dir={folder}", "trainer.accelerator=cpu"]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_a_row_is_its_parts_pooled(swept, tmp_path):
    folder, printed = swept
    table = json.loads((folder / "summary.json").read_text("utf-8"))["side_by_side"]
    assert table["conditions"] == ["data.split_by=speaker", "data.split_by=random"] and table["rate"] == "UAR"
    assert {row["configuration"] for row in table["rows"]} == {"model=logistic_regression", "model=knn"}
    trials = optuna.load_study(study_name="two", storage=f"sqlite:///{folder / 'study.db'}").trials
    for row in table["rows"]:
        name = row["configuration"].removeprefix("model=")
        chosen = [trial for trial in trials if trial.params["model"] == name]
        for condition, found in zip(("speaker", "random"), row["measured"], strict=True):
            runs = [each.user_attrs["folder"] for each in chosen if each.params["data.split_by"] == condition]
            out = tmp_path / f"{name}-{condition}"
            assert run("asr", "pool", *runs, "--split", "test", "--out", out).status == 0
            pooled = json.loads((out / "metrics.json").read_text("utf-8"))["test"]
            assert (found["rate"], found["parts"], found["utterances"]) == (pooled["uar"], 2, 47)
            assert found["ci95"] == pooled["uar_ci95"]
    assert "| model=knn |" in (folder / "side_by_side.md").read_text("utf-8") and "side by side, on test" in printed
    assert "Side by side, on test" in (folder / "report.html").read_text("utf-8")


def test_the_winner_is_of_the_first_condition(swept):
    """Random splits are easier, and tell nothing of a new voice."""
    folder, _ = swept
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert "data.split_by=speaker" in summary["winner"]["overrides"]
