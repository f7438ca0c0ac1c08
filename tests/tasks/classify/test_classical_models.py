"""Every model of conf/model through train.py: the same run folder, report and model folder as a network's."""

import json

import pytest
from safetensors.torch import load_file

import asr
from asr.configuration.compose import load_values
from asr.training.plan import task_of
from tests.commands import ROOT, run

MODELS = sorted(path.stem for path in (ROOT / "conf" / "model").glob("*.yaml"))
NETWORK = ("encoder=mlp", "encoder.dim=32", "encoder.layers=1", "budget.epochs=12", "optimizer.lr=0.01")
CPU = ("trainer.accelerator=cpu", "trainer.precision=32-true", "data.batch_seconds=8", "schedule.warmup_steps=5")


def trained(name: str, source, folder, *more: str):
    """The arguments of a training of a model, run."""
    needs = NETWORK if name.endswith("_on_embeddings") else ()
    return run(
        "train", "task=emotion", f"model={name}", *needs, *CPU, f"data.source={source}", f"run_dir={folder}", *more
    )


@pytest.mark.parametrize("name", MODELS)
def test_it_is_trained_kept_and_asked(name, moods, tmp_path):
    if name == "xgboost":
        pytest.importorskip("xgboost", reason="the extra `classic` is not installed")
    done = trained(name, moods, tmp_path / "run")
    assert done.status == 0, done.err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["dev"]["uar"] > 0.9  # of two unheard voices; the one of test lies beyond all that is learnt from
    assert "What was taken for what" in (tmp_path / "run" / "report.html").read_text()
    assert [path.suffix for path in (tmp_path / "run" / "model").iterdir() if path.suffix in (".pkl", ".joblib")] == []
    assert load_file(tmp_path / "run" / "model" / "model.safetensors")
    classifier = asr.load(tmp_path / "run")
    files = [moods / "v3glad1.wav", moods / "v4sad2.wav"]
    assert [each.label for each in classifier.classify(files)] == ["glad", "sad"]
    together = [each.probabilities for each in classifier.classify(files)]
    alone = [classifier.classify([file])[0].probabilities for file in files]
    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    done = run("evaluate", f"run={tmp_path / 'run'}", f"out_dir={tmp_path / 'again'}")
    assert done.status == 0, done.err
    assert json.loads((tmp_path / "again" / "metrics.json").read_text())["test"]["uar"] == metrics["test"]["uar"]


@pytest.mark.parametrize("task", ["emotion", "gender", "speaker"])
@pytest.mark.parametrize("name", MODELS)
def test_every_task_takes_every_model(task, name):
    """Whatever a task sets for networks, such as an embedding, does not stand in the way."""
    if name == "xgboost":
        pytest.importorskip("xgboost", reason="the extra `classic` is not installed")
    found = task_of(load_values("train", [f"task={task}", f"model={name}"]))
    found.learn_from_targets(["one", "other"], None, 2)
    assert list(found.head(6).parameters()) or name not in ("network", "gmm_on_embeddings", "knn_on_embeddings")


def test_the_same_seed_gives_the_same_run(moods, tmp_path):
    for name in ("first", "second"):
        assert trained("random_forest", moods, tmp_path / name).status == 0
    lines = [(tmp_path / name / "hypotheses.jsonl").read_text() for name in ("first", "second")]
    assert lines[0] == lines[1]


def test_copies_are_augmented(moods, tmp_path):
    done = trained("logistic_regression", moods, tmp_path / "run", "augment=[speed]", "data.copies=3")
    assert done.status == 0, done.err
    once = trained("logistic_regression", moods, tmp_path / "once")
    assert once.status == 0, once.err
    weights = [load_file(tmp_path / name / "model" / "model.safetensors") for name in ("run", "once")]
    assert any(not weights[0][key].equal(weights[1][key]) for key in weights[0])


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("model=random_forest", "task.classifier.trees=0"), "task.classifier.trees=0"),
        (("model=knn", "task.classifier.neighbours=0"), "task.classifier.neighbours=0"),
        (("model=svm", "task.classifier.c=-1"), "task.classifier.c=-1"),
        (("model=gmm", "task.classifier.components=0"), "task.classifier.components=0"),
        (("model=xgboost", "task.classifier.rate=2"), "task.classifier.rate=2"),
        (("model=logistic_regression", "task.pooling=attentive"), "task.pooling=statistics, mean or mean_deviation"),
        (("model=logistic_regression", "task.embedding=8"), "task.embedding=null"),
        (("model=forest",), "model"),
    ],
)
def test_what_cannot_be_is_named(extra, message, moods, tmp_path):
    done = run("train", "task=emotion", *CPU, *extra, f"data.source={moods}", f"run_dir={tmp_path / 'run'}")
    assert done.status != 0 and message in done.error


def test_transcripts_have_no_classical_model(moods, tmp_path):
    done = run("train", "model=knn", f"data.source={moods}", f"run_dir={tmp_path / 'run'}")
    assert (
        done.status != 0
        and "task.pooling, task.embedding, task.classifier: Transcribe has no such setting" in done.error
    )
