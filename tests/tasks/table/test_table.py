"""task=table through the commands: three splits in one table, a run with a model that predicts again."""

import json
import re

import numpy as np
import pytest

import asr
from asr.errors import UserError
from asr.tasks.table.divisions import divide
from asr.tasks.table.reading import Settings, read_answers
from tests.commands import ROOT, run
from tests.tasks.table.tables import crema_d

QUICK = (
    "task=table",
    "budget.epochs=3",
    "task.models.gradient_boosting.rounds=5",
    "task.models.gradient_boosting.depth=2",
)
MODELS = ["number_network", "label_network", "logistic_regression", "gradient_boosting"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return crema_d(tmp_path_factory.mktemp("crema-d"))


@pytest.fixture(scope="module")
def trained(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "table"
    outcome = run("train", *QUICK, f"data.source={source}", f"run_dir={folder}", "task.keep=logistic_regression")
    assert outcome.status == 0, outcome.err
    return folder, outcome


def read(path):
    return json.loads(path.read_text("utf-8"))


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_splits_by_clip_and_actor_share_none(source):
    answers = read_answers(source, None, Settings())
    for division, units in (("random", answers.ids), ("clip", answers.clips), ("actor", answers.actors)):
        rows = divide(answers, division, 0.1, 0.2)
        assert sorted(np.concatenate(list(rows.values()))) == list(range(len(answers.ids)))
        train, dev, test = ({units[row] for row in rows[split]} for split in ("train", "dev", "test"))
        assert train and dev and test and not (train & dev or train & test or dev & test)
    by_row = divide(answers, "random", 0.1, 0.2)
    clips = [{answers.clips[row] for row in by_row[split]} for split in ("train", "test")]
    assert clips[0] & clips[1]  # which is why it is not the honest one


def test_one_command_compares_every_model_on_every_split(trained):
    folder, outcome = trained
    metrics = read(folder / "metrics.json")
    assert list(metrics["comparison"]) == ["people", *MODELS]
    for divisions in metrics["comparison"].values():
        assert list(divisions) == ["random", "clip", "actor"]
        for found in divisions.values():
            assert 0 < found["accuracy"] <= 1 and len(found["uar_ci95"]) == 2 and 0 < found["macro_f1"] <= 1
            assert found["interval_over"] == "speakers"  # actors
    assert all(name in outcome.out for name in ("people", *MODELS, "random", "clip", "actor", "macro-F1"))
    assert metrics["comparison"]["people"]["actor"]["accuracy"] == pytest.approx(0.83, abs=0.08)  # as the table is made
    assert metrics["comparison"]["logistic_regression"]["actor"]["uar"] > 0.7


def test_the_run_holds_what_other_runs_hold(trained):
    folder, _ = trained
    metrics, found = read(folder / "metrics.json"), lines(folder / "hypotheses.jsonl")
    assert {"test", "test, split by clip", "test, split by random", "dev"} <= metrics.keys()
    assert metrics["test"]["split_by"] == "actor" and metrics["test"]["confusion"]["labels"] == list("ADFHNS")
    assert metrics["train"]["model"] == "logistic_regression" and "clipName" in metrics["train"]["left_out"]
    of_test = [line for line in found if line["split"] == "test"]
    right = np.mean([line["reference"] == line["hypothesis"] for line in of_test])
    assert metrics["test"]["accuracy"] == pytest.approx(right)
    assert not {line["speaker"] for line in of_test} & {line["speaker"] for line in found if line["split"] == "dev"}
    page = (folder / "report.html").read_text("utf-8")
    assert "Every model, split in three ways" in page and "What was taken for what" in page
    assert (folder / "rejected.jsonl").read_text() == ""


def test_the_model_folder_predicts_again_what_the_run_predicted(trained, source):
    folder, _ = trained
    assert sorted(path.name for path in (folder / "model").iterdir()) == [
        "columns.json",
        "config.yaml",
        "model.safetensors",
    ]
    found = {each.id: each for each in asr.load(folder).predict(source)}
    written = lines(folder / "hypotheses.jsonl")
    assert len(found) == 24 * 2 * 6 * 3
    assert [found[line["id"]].label for line in written] == [line["hypothesis"] for line in written]
    assert found[written[0]["id"]].probabilities == written[0]["probabilities"]


def test_a_damaged_model_is_one_line(trained, tmp_path):
    folder, _ = trained
    for path in (folder / "model").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "columns.json").write_text('{"numbers": 3}')
    with pytest.raises(UserError, match=r"columns.json: not readable"):
        asr.load(tmp_path)


def test_a_finished_run_is_not_trained_again(trained, source):
    folder, _ = trained
    again = run("train", *QUICK, f"data.source={source}", f"run_dir={folder}", "task.keep=logistic_regression")
    assert again.status == 0 and "finished already" in again.err


def test_a_column_that_gives_the_emotion_away_is_said_to(source, tmp_path):
    only = [f"~task.models.{name}" for name in MODELS if name != "logistic_regression"]
    outcome = run(
        "train", "task=table", *only, f"data.source={source}", f"run_dir={tmp_path}/run", "task.take_in=[dispLevel]"
    )
    assert outcome.status == 0, outcome.err
    assert "dispLevel gives the displayed emotion away" in outcome.err
    assert read(tmp_path / "run" / "metrics.json")["train"]["model"] == "logistic_regression"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("encoder=lstm", "encoder=: task=table learns from rows"),
        ("budget.minutes=3", "give budget.epochs"),
        ("task.split=speaker", "task.split=speaker: random or clip or actor is wanted"),
        ("task.keep=best_one", "task.keep=best_one: .*did you mean best"),
        ("task.critical=dispval", "has no column dispval.*did you mean dispVal"),
        ("data=crema_d", "give data.source=PATH alone"),
        ("model=knn", "Table has no such setting"),
    ],
)
def test_what_has_no_use_is_one_line(source, tmp_path, typed, message):
    error = run("train", "task=table", f"data.source={source}", f"run_dir={tmp_path}/run", typed).error
    assert "\n" not in error
    assert re.search(message, error), error


def test_other_commands_say_that_it_does_not_learn_from_recordings(trained, source, tmp_path):
    folder, _ = trained
    assert "asr.load opens it" in run("evaluate", f"run={folder}").error
    error = run("tune", "search=quick", "task=table", f"data.source={source}", f"run_dir={tmp_path}/sweep").error
    assert "only python train.py trains it" in error


def test_the_task_is_one_folder_and_one_file():
    """Nothing outside its folder names it: the trainer knows it by asr.task.TrainsByItself."""
    others = [path for path in (ROOT / "asr").rglob("*.py") if "table" not in path.parts]
    assert others and not [path for path in others if "tasks.table" in path.read_text("utf-8")]


def test_two_runs_are_put_on_one_page(trained, source, tmp_path):
    folder, _ = trained
    keep = "task.keep=number_network"
    assert run("train", *QUICK, f"data.source={source}", f"run_dir={tmp_path}/other", keep).status == 0
    outcome = run("asr", "compare", folder, tmp_path / "other", "--out", tmp_path / "page.html")
    assert outcome.status == 0, outcome.err
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "UAR" in page and "Utterances where they differ" in page
