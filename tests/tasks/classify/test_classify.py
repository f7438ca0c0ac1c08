"""Classification through the trainer, the tuner and the report that know nothing of it."""

import json

import numpy as np
import pytest
import torch

import asr
from asr.corpus.utterance import UtteranceFacts
from asr.errors import UserError
from asr.evaluation.coverage import thresholds_of
from asr.evaluation.label_lines import score_lines
from asr.evaluation.projection import project
from asr.model.speech_model import SpeechModel
from asr.task import Unusable
from asr.tasks.classify.loss import UNKNOWN, LabelLoss, balancing_weights
from asr.tasks.classify.pooling import POOLINGS
from asr.tasks.classify.scoring import fit_temperature, rank_of
from asr.tasks.classify.task import Classify
from tests.commands import ROOT, run

TINY = ("encoder=mlp", "encoder.dim=32", "encoder.layers=1", "trainer.accelerator=cpu", "trainer.precision=32-true")
LEARNT = (*TINY, "budget.epochs=12", "optimizer.lr=0.01", "schedule.warmup_steps=5", "data.batch_seconds=8")


@pytest.fixture(scope="module")
def trained(moods, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    chosen = ("task=classify", "data.label=emotion", f"data.source={moods}", f"run_dir={folder}")
    return folder, run("train", *LEARNT, *chosen)


def test_it_learns_measures_and_reports(trained):
    folder, done = trained
    assert done.status == 0, done.err
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["test"]["uar"] > 0.9
    assert metrics["test"]["uar_ci95"][0] <= metrics["test"]["uar"] <= metrics["test"]["uar_ci95"][1]
    assert metrics["test"]["confusion"]["labels"] == ["glad", "sad"]
    assert "dev UAR" in done.err
    assert "UAR" in done.out
    rejected = [json.loads(line) for line in (folder / "rejected.jsonl").read_text().splitlines()]
    assert [(each["id"], each["reason"]) for each in rejected if each["reason"] == "target_missing"]
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert max(line["dev_uar"] for line in history) == metrics["dev"]["uar"]
    html = (folder / "report.html").read_text()
    for title in ("Every rate", "What was taken for what", "Each label", "Map", "Answering only when sure"):
        assert f"{title} (test)" in html
    assert metrics["test"]["macro_f1_ci95"][0] <= metrics["test"]["macro_f1"] <= metrics["test"]["macro_f1_ci95"][1]
    assert max(line["dev_macro_f1"] for line in history) >= metrics["dev"]["macro_f1"]
    assert "test: macro-F1" in done.out and "top-5" not in done.out and max(map(len, done.out.splitlines()[:6])) <= 80


def test_thresholds_are_learnt_on_dev_and_looked_at_on_test(trained):
    """They stay with the model, and the points can be counted again from hypotheses.jsonl."""
    folder, _ = trained
    lines = [json.loads(line) for line in (folder / "hypotheses.jsonl").read_text().splitlines()]
    thresholds = asr.load(folder).task.thresholds
    assert thresholds == thresholds_of([line["confidence"] for line in lines if line["split"] == "dev"])
    test = [line for line in lines if line["split"] == "test"]
    for point in json.loads((folder / "metrics.json").read_text())["test"]["coverage"]:
        assert point["least_probability"] in thresholds
        answered = [line for line in test if line["confidence"] >= point["least_probability"]]
        assert point["answered"] == len(answered) / len(test)
        right = sum(line["reference"] == line["hypothesis"] for line in answered)
        assert point["accuracy"] == pytest.approx(right / len(answered))


def test_the_map_is_of_the_embeddings_that_the_model_gives(trained, moods):
    """Of so few, by PCA."""
    folder, _ = trained
    lines = [json.loads(line) for line in (folder / "hypotheses.jsonl").read_text().splitlines()]
    assert all(("map" in line) == (line["split"] == "test") for line in lines)
    lines = [line for line in lines if line["split"] == "test"]
    embeddings = asr.load(folder).embed([moods / f"{line['id']}.wav" for line in lines])
    found = project(embeddings, 0)
    assert found.method == "PCA"
    np.testing.assert_allclose([line["map"] for line in lines], found.points, atol=0.01)


def test_each_utterance_passes_through_the_encoder_once(trained, moods, monkeypatch):
    """Scores, confidences and the map come of one pass; the latency is measured apart."""
    folder, _ = trained
    heard = []
    monkeypatch.setattr("asr.tasks.classify.scoring.median_latency_s", lambda *_: 0.0)
    forward = SpeechModel.hidden

    def hidden(self, waveform, lengths):
        heard.append(len(waveform))
        return forward(self, waveform, lengths)

    monkeypatch.setattr(SpeechModel, "hidden", hidden)
    monkeypatch.setattr(Classify, "clips", lambda *_: {})
    done = run("evaluate", f"run={folder}", f"out_dir={folder / 'evaluation' / 'once'}")
    assert done.status == 0, done.err
    lines = (folder / "evaluation" / "once" / "hypotheses.jsonl").read_text().splitlines()
    assert sum(heard) == len(lines) and all("map" in json.loads(line) for line in lines)


def test_the_rank_of_a_label():
    logits = np.array([0.0, 2.0, 2.0, -1.0, 1.0, 0.5])
    assert [rank_of(label, logits, list("abcdef")) for label in "abcdef"] == [5, 1, 2, 6, 3, 4]
    assert rank_of("z", logits, list("abcdef")) is None


def test_top_five_is_measured_where_there_are_more_labels():
    def line(number: int, rank: int | None) -> dict:
        known = {"id": str(number), "reference": "a", "hypothesis": "a" if rank == 1 else "b", "speaker": None}
        return {**known, "duration": 1.0, "about": {}, "confidence": 0.5, "rank": rank}

    lines = [line(number, rank) for number, rank in enumerate((1, 2, 5, 6, None))]
    assert score_lines(lines, 0)[0]["top5_accuracy"] == pytest.approx(3 / 5)
    del lines[0]["rank"]
    assert "top5_accuracy" not in score_lines(lines, 0)[0]


def test_the_model_is_opened_and_asked(trained, moods):
    folder, _ = trained
    found = asr.load(folder).classify([moods / "v3glad1.wav", moods / "v4sad2.wav"])
    assert [each.label for each in found] == ["glad", "sad"]
    assert all(sum(each.probabilities.values()) == pytest.approx(1, abs=1e-3) for each in found)
    assert "does not transcribe" in run("asr", "transcribe", "--model", folder, moods / "v3glad1.wav").error


def test_it_is_evaluated_and_compared(trained, tmp_path):
    folder, _ = trained
    done = run("evaluate", f"run={folder}", f"against={folder}", f"out_dir={tmp_path / 'again'}")
    assert done.status == 0, done.err
    comparison = json.loads((tmp_path / "again" / "comparison.json").read_text())
    assert comparison["difference"] == 0 and comparison["bootstrap_p"] == 1
    metrics = json.loads((folder / "metrics.json").read_text())
    assert json.loads((tmp_path / "again" / "metrics.json").read_text())["test"]["uar"] == metrics["test"]["uar"]
    page = tmp_path / "comparison.html"
    assert run("asr", "compare", folder, tmp_path / "again", "--out", page).status == 0
    assert "UAR" in page.read_text()


def test_a_sweep_goes_by_the_higher_rate(moods, tmp_path):
    chosen = ("task=classify", "data.label=emotion", f"data.source={moods}", f"run_dir={tmp_path / 'sweep'}")
    fast = (*TINY[1:], "budget.epochs=3", "optimizer.lr=0.01", "schedule.warmup_steps=5", "data.batch_seconds=8")
    done = run("tune", "search=grid", *chosen, *fast[2:], "encoder=mlp", "encoder.dim=32", "encoder.layers=1")
    assert done.status == 0, done.err
    summary = json.loads((tmp_path / "sweep" / "summary.json").read_text())
    rows = (tmp_path / "sweep" / "results.csv").read_text()
    assert summary["rate"] == "uar" and "dev UAR %" in rows
    folders = sorted((tmp_path / "sweep" / "trials").glob("*/metrics.json"))
    best = max(json.loads(file.read_text())["dev"]["uar"] for file in folders)
    assert len(folders) == 3 and summary["winner"]["dev"] == best


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ((), "data.label= has to be given"),
        (("data.label=mood",), "its mood is not known; the source tells: emotion, speaker"),
        (("data.label=emotion", "task.pooling=max"), "task.pooling=max: mean or mean_deviation or"),
        (("data.label=emotion", "trainer.monitor=wer"), "trainer.monitor=wer: uar or accuracy or macro_f1 is wanted"),
        (("data.label=emotion", "tokenizer=bpe"), "tokenizer"),
    ],
)
def test_what_cannot_be_is_named(moods, tmp_path, extra, message):
    done = run("train", *TINY, "task=classify", f"data.source={moods}", f"run_dir={tmp_path / 'run'}", *extra)
    assert message in done.error


def test_targets_and_splits():
    known = UtteranceFacts("la", "anna", {"emotion": "glad"})
    assert Classify("emotion", "mean", "none").target_of(known) == "glad"
    assert Classify("speaker", "mean", "none").target_of(known) == "anna"
    assert Classify("emotion", "mean", "none").by_speaker and not Classify("speaker", "mean", "none").by_speaker
    with pytest.raises(Unusable, match="its age is not known; the source tells: emotion, speaker"):
        Classify("age", "mean", "none").target_of(known)


def test_one_label_is_none(tmp_path):
    with pytest.raises(UserError, match="every training utterance has the same"):
        Classify("emotion", "mean", "none").learn_from_targets(["glad", "glad"], tmp_path, 2)


@pytest.mark.parametrize("name", POOLINGS)
def test_padding_does_not_reach_a_pooled_utterance(name):
    torch.manual_seed(0)
    pool = POOLINGS[name](8)
    hidden, lengths = torch.randn(2, 5, 8), torch.tensor([5, 3])
    garbage = hidden.clone()
    garbage[1, 3:] = float("inf")
    torch.testing.assert_close(pool(garbage, lengths), pool(hidden, lengths))
    torch.testing.assert_close(pool(hidden[1:, :3], lengths[1:]), pool(hidden, lengths)[1:])


def test_the_loss_leaves_out_unknown_labels_and_balances_the_others():
    outputs, frames = torch.randn(3, 2).log_softmax(-1), torch.tensor([4, 4, 4])
    loss, left_out = LabelLoss()(outputs, frames, torch.tensor([0, UNKNOWN, 1]))
    assert left_out.tolist() == [False, True, False]
    assert loss == pytest.approx(-float(outputs[0, 0] + outputs[2, 1]) / 2)
    loss, left_out = LabelLoss()(outputs, frames, torch.tensor([UNKNOWN] * 3))
    assert loss == 0 and left_out.all()
    assert balancing_weights([30, 10]) == pytest.approx([2 / 3, 2.0])


def test_too_sure_is_cooled_down():
    """Log-probabilities three times as sure as they may be have a temperature of three."""
    random = np.random.default_rng(0)
    true = random.normal(size=(4000, 3))
    probabilities = np.exp(true) / np.exp(true).sum(1, keepdims=True)
    labels = [int(random.choice(3, p=row)) for row in probabilities]
    assert fit_temperature(list(3 * np.log(probabilities)), labels) == pytest.approx(3, rel=0.1)
    assert fit_temperature(list(np.log(probabilities)), [-1] * 4000) == 1.0


def test_the_task_is_one_folder_and_one_file():
    """No other room names it; a task that tells labels of something else may use its parts."""
    others = [path for path in (ROOT / "asr").rglob("*.py") if "tasks" not in path.parts]
    assert others and not [path for path in others if "tasks.classify" in path.read_text("utf-8")]


def test_folds_are_pooled_to_one_evaluation(moods, tmp_path):
    """Every speaker held out once: the numbers are those of all lines together."""
    chosen = ("task=classify", "data.label=emotion", f"data.source={moods}", "data.test_fraction=0.2")
    for fold in (1, 2):
        done = run("train", *LEARNT, *chosen, "data.folds=2", f"data.fold={fold}", f"run_dir={tmp_path / str(fold)}")
        assert done.status == 0, done.err
    done = run("asr", "pool", tmp_path / "1", tmp_path / "2", "--out", tmp_path / "both")
    assert done.status == 0, done.err
    lines = [json.loads(line) for line in (tmp_path / "both" / "hypotheses.jsonl").read_text().splitlines()]
    metrics = json.loads((tmp_path / "both" / "metrics.json").read_text())["dev"]
    assert metrics["utterances"] == len(lines) and metrics["interval_units"] == len({line["speaker"] for line in lines})
    assert metrics["accuracy"] == np.mean([line["reference"] == line["hypothesis"] for line in lines])
    assert "What was taken for what" in (tmp_path / "both" / "report.html").read_text()
    assert "held out by" in run("asr", "pool", tmp_path / "1", tmp_path / "1", "--out", tmp_path / "no").error
