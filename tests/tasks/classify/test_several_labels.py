"""Several labels of an utterance at once: a head for each, over one encoder."""

import json

import numpy as np
import pytest
import torch

import asr
from asr.audio.recording import load_audio
from asr.corpus.utterance import UtteranceFacts
from asr.errors import UserError
from asr.evaluation.classification import score_labels
from asr.serve.findings import analyser_of
from asr.task import Unusable
from asr.tasks.classify.several import ClassifySeveral, SeveralHeads, SeveralLosses, classify
from asr.tasks.classify.several_presentation import SeveralPresentation
from asr.tasks.classify.several_scoring import score_several
from asr.tasks.classify.task import Classify
from tests.commands import run

TINY = ("encoder=mlp", "encoder.dim=32", "encoder.layers=1", "trainer.accelerator=cpu", "trainer.precision=32-true")
LEARNT = (*TINY, "budget.epochs=12", "optimizer.lr=0.01", "schedule.warmup_steps=5", "data.batch_seconds=8")
SETTINGS = {"pooling": "mean", "class_weights": "balanced"}


def two() -> ClassifySeveral:
    task = classify(["emotion", "gender"], **SETTINGS)
    assert isinstance(task, ClassifySeveral)
    task.learn_from_targets(["glad | f", "sad | f", "sad | m", "angry | m"], None, 4)
    return task


@pytest.fixture(scope="module")
def trained(moods, tmp_path_factory):
    """Emotion, and who was recorded in the first takes: as high or low as anybody, so that it cannot be told."""
    folder = tmp_path_factory.mktemp("run") / "run"
    chosen = ("task=classify", "data.label=[emotion,speaker]", f"data.source={moods}", f"run_dir={folder}")
    return folder, run("train", *LEARNT, *chosen, "data.split_by=random")


def test_it_learns_measures_and_reports(trained):
    folder, done = trained
    assert done.status == 0, done.err
    test = json.loads((folder / "metrics.json").read_text())["test"]
    assert list(test["by_label"]) == ["emotion", "speaker"]
    assert test["by_label"]["emotion"]["uar"] > 0.9
    for rate in ("uar", "accuracy", "macro_f1"):
        assert test[rate] == pytest.approx(np.mean([each[rate] for each in test["by_label"].values()]))
        assert test[f"{rate}_ci95"][0] <= test[rate] <= test[f"{rate}_ci95"][1]
    assert "test, emotion: UAR" in done.out and "test, speaker: UAR" in done.out and "all labels right" in done.out
    page = (folder / "report.html").read_text()
    for title in (
        "Mean over labels (test)",
        "Each label (emotion, test)",
        "Confidence (speaker, test)",
        "Map (emotion, t",
    ):
        assert title in page


def test_metrics_are_those_of_the_lines(trained):
    folder, _ = trained
    lines = [json.loads(line) for line in (folder / "hypotheses.jsonl").read_text().splitlines()]
    test = [line for line in lines if line["split"] == "test"]
    metrics = json.loads((folder / "metrics.json").read_text())["test"]
    for name in ("emotion", "speaker"):
        right = [line["labels"][name]["reference"] == line["labels"][name]["hypothesis"] for line in test]
        assert metrics["by_label"][name]["accuracy"] == pytest.approx(np.mean(right))
    assert metrics["all_right"] == np.mean([line["reference"] == line["hypothesis"] for line in test])
    assert all(line["reference"] == " | ".join(each["reference"] for each in line["labels"].values()) for line in test)


def test_the_model_is_opened_and_asked(trained, moods, tmp_path):
    folder, _ = trained
    model = asr.load(folder)
    (found,) = model.classify([moods / "v4sad2.wav"])
    assert found["emotion"].label == "sad" and set(found["speaker"].probabilities) == set(model.values["speaker"])
    assert all(sum(each.probabilities.values()) == pytest.approx(1, abs=1e-3) for each in found.values())
    lines = [json.loads(line) for line in (folder / "hypotheses.jsonl").read_text().splitlines()]
    line = next(line for line in lines if line["split"] == "test")
    (again,) = model.classify([moods / f"{line['id']}.wav"])
    for name, each in line["labels"].items():
        assert again[name].probabilities == pytest.approx(each["probabilities"], abs=2e-4)
    samples = load_audio(moods / "v4sad2.wav", sample_rate=model.sample_rate).samples
    findings = analyser_of(model, folder).analyse(samples)
    assert [(each.about, each.value) for each in findings] == [(name, each.label) for name, each in found.items()]
    rules = tmp_path / "rules.yaml"
    rules.write_text("- if: {emotion: sad}\n  then: blue\n")
    done = run("asr", "classify", "--model", folder, "--rules", rules, moods / "v4sad2.wav")
    assert "emotion sad" in done.out and "speaker v" in done.out and "blue" in done.out, done.err


def test_it_is_evaluated_compared_and_pooled(trained, tmp_path):
    folder, _ = trained
    done = run("evaluate", f"run={folder}", f"against={folder}", f"out_dir={tmp_path / 'again'}")
    assert done.status == 0, done.err
    comparison = json.loads((tmp_path / "again" / "comparison.json").read_text())
    assert comparison["difference"] == 0 and comparison["bootstrap_p"] == 1
    metrics = json.loads((folder / "metrics.json").read_text())
    assert json.loads((tmp_path / "again" / "metrics.json").read_text())["test"]["uar"] == metrics["test"]["uar"]


def test_folders_name_one_label(moods, tmp_path):
    chosen = ("task=classify", "data=class_folders", "data.label=[emotion,gender]", f"data.source={moods}")
    done = run("train", *TINY, *chosen, f"run_dir={tmp_path / 'run'}")
    assert "data.label=['emotion', 'gender']: the names of folders are one label; give one" in done.error


def test_one_label_in_a_list_is_that_label():
    assert type(classify(["emotion"], **SETTINGS)) is Classify
    assert type(classify("emotion", **SETTINGS)) is Classify


def test_what_cannot_be_is_named():
    with pytest.raises(UserError, match="every label once"):
        classify(["emotion", "emotion"], **SETTINGS)
    with pytest.raises(UserError, match="learns one label"):
        classify(["emotion", "gender"], **SETTINGS, classifier={"_target_": "x"})
    with pytest.raises(Unusable, match="its gender is not known"):
        two().target_of(UtteranceFacts("la", "anna", {"emotion": "glad"}))
    with pytest.raises(Unusable, match="keeps labels apart"):
        two().target_of(UtteranceFacts("la", "anna", {"emotion": "glad | sad", "gender": "f"}))
    with pytest.raises(UserError, match=r"data.label=gender: every training utterance has the same \(f\)"):
        classify(["emotion", "gender"], **SETTINGS).learn_from_targets(["glad | f", "sad | f"], None, 2)
    assert two().why_unlearnable("glad | x", 1).reason == "target_unknown"
    assert two().why_unlearnable("glad | m", 1) is None


def test_heads_and_losses_are_those_of_each_label():
    task, hidden, lengths = two(), torch.randn(4, 6, 8), torch.tensor([6, 5, 2, 1])
    head = task.head(8)
    assert isinstance(head, SeveralHeads) and isinstance(task.loss, SeveralLosses)
    outputs, targets = head(hidden, lengths), task.encode(["glad | m", "sad | x", "sad | m", "no | x"])
    assert outputs.shape == (4, 3 + 2) and head.embed(hidden, lengths).shape == (4, 16)
    loss, left_out = task.loss(outputs, lengths, *targets)
    each = [
        part.loss(one, lengths, of) for part, one, of in zip(task.parts, outputs.split([3, 2], 1), targets, strict=True)
    ]
    assert loss == each[0][0] + each[1][0] and left_out.tolist() == [False, False, False, True]
    torch.testing.assert_close(outputs[:, :3], head.heads[0](hidden, lengths))
    found = task.predict(outputs, lengths)
    assert [one.split(" | ")[0] for one in found] == task.parts[0].predict(outputs[:, :3], lengths)


def test_rates_are_means_and_intervals_those_of_one_label_where_all_are_alike():
    draw = np.random.default_rng(1)
    spoken, found = (draw.choice(["glad", "sad", "calm"], 90).tolist() for _ in range(2))
    speakers = [f"v{place % 9}" for place in range(90)]
    alone = score_labels(spoken, found, speakers).as_dict()
    twice = score_several([f"{a} | {a}" for a in spoken], [f"{a} | {a}" for a in found], speakers, 0)
    for rate in ("uar", "accuracy", "macro_f1"):
        assert twice[rate] == pytest.approx(alone[rate])
        assert twice[f"{rate}_ci95"] == pytest.approx(alone[f"{rate}_ci95"])


def test_the_paired_test_finds_the_better_one():
    draw, wrong = np.random.default_rng(2), {"glad": "sad", "sad": "glad", "f": "m", "m": "f"}

    def lines(share: float) -> list[dict]:
        return [
            {"id": str(place), "speaker": f"v{place % 10}", "reference": " | ".join(labels),
             "hypothesis": " | ".join(wrong[each] if draw.random() < share else each for each in labels)}
            for place, labels in enumerate([("glad", "f"), ("sad", "m"), ("sad", "f")] * 40)
        ]  # fmt: skip

    ours, theirs = lines(0.1), lines(0.4)
    for rate in SeveralPresentation.rates:
        found = SeveralPresentation().compare(ours, theirs, 1, rate)
        assert found["difference"] > 0.15 and found["bootstrap_p"] < 0.01
        assert SeveralPresentation().interval(ours, rate)[1] >= found[rate.name]
