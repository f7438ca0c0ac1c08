"""Copies and fixed lengths through train.py: what is trained on, kept with the model, and done in use."""

import json
from collections import Counter

import pytest
import soundfile
import yaml
from lhotse import CutSet

import asr
from tests.commands import run
from tests.tasks.classify.conftest import RATE

CPU = ("task=emotion", "trainer.accelerator=cpu", "trainer.precision=32-true", "data.batch_seconds=8")
NETWORK = ("encoder=mlp", "encoder.dim=32", "encoder.layers=1", "optimizer.lr=0.01", "schedule.warmup_steps=5")
AUGMENTED = ("augment=[white_noise,time_shift]", "trainer.augment_from=0", "data.copies=3", "data.crop_seconds=0.3")


@pytest.fixture(scope="module")
def trained(moods, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    chosen = (*CPU, *NETWORK, *AUGMENTED, "budget.epochs=8", f"data.source={moods}", f"run_dir={folder}")
    return folder, run("train", *chosen)


def test_it_learns_and_says_what_it_is_given(trained):
    folder, done = trained
    assert done.status == 0, done.err
    assert json.loads((folder / "metrics.json").read_text())["dev"]["uar"] > 0.9
    splits = {split: CutSet.from_file(folder / "data" / f"{split}.jsonl.gz") for split in ("train", "dev", "test")}
    ids = Counter(cut.id for cuts in splits.values() for cut in cuts)
    assert len(ids) == 47 and set(ids.values()) == {1}
    size = len(splits["train"])
    said = " ".join((done.err + done.out).split())
    assert f"{size} training utterances stand 3 times each in an epoch" in said
    assert f"train {3 * size} utterances" in said
    assert "cut or padded to 0.3 s" in said and "LogMel (B, T, 80)" in said


def test_in_use_the_middle_is_heard(trained, moods, tmp_path):
    """A model opened from its folder hears the middle third of a second, whatever lies around it."""
    folder, _ = trained
    assert yaml.safe_load((folder / "model" / "config.yaml").read_text())["crop_seconds"] == 0.3
    classifier = asr.load(folder)
    samples = soundfile.read(moods / "v3glad1.wav", dtype="float32")[0]
    spoilt = samples[::-1].copy()
    middle = slice(len(samples) // 2 - int(0.15 * RATE), len(samples) // 2 + int(0.15 * RATE))
    spoilt[middle] = samples[middle]
    soundfile.write(tmp_path / "spoilt.wav", spoilt, RATE)
    soundfile.write(tmp_path / "middle.wav", samples[middle], RATE)
    found = [classifier.classify([path])[0] for path in (moods / "v3glad1.wav", *sorted(tmp_path.glob("*.wav")))]
    assert found[0].label == "glad"
    assert found[0].probabilities == found[1].probabilities == found[2].probabilities
    embedded = classifier.embed([moods / "v3glad1.wav", tmp_path / "middle.wav"])
    assert embedded[0] == pytest.approx(embedded[1], abs=1e-5)


def test_evaluation_does_the_same(trained, tmp_path):
    folder, _ = trained
    done = run("evaluate", f"run={folder}", f"out_dir={tmp_path / 'again'}")
    assert done.status == 0, done.err
    before, again = (json.loads((each / "metrics.json").read_text()) for each in (folder, tmp_path / "again"))
    assert again["test"]["uar"] == before["test"]["uar"]


def test_what_is_fitted_at_once_takes_both(moods, tmp_path):
    chosen = (*CPU, "model=logistic_regression", *AUGMENTED, f"data.source={moods}", f"run_dir={tmp_path / 'run'}")
    done = run("train", *chosen)
    assert done.status == 0, done.err
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["dev"]["uar"] > 0.9


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("task=transcribe", "data.crop_seconds=1"), "data.crop_seconds: would cut words off; leave it null"),
        (("data.crop_seconds=0",), "data.crop_seconds=0: a number above 0 is wanted"),
        (("data.copies=0",), "data.copies=0: a whole number above 0 is wanted"),
        (("data.copies=1.5",), "data.copies=1.5: a whole number above 0 is wanted"),
        (("augment=[time_shift]", "augment.time_shift.fill=ones"), "augment.time_shift.fill=ones: zeros or wrapped"),
    ],
)
def test_what_cannot_be_is_named(moods, tmp_path, extra, message):
    done = run("train", *CPU, *NETWORK, f"data.source={moods}", f"run_dir={tmp_path / 'run'}", *extra)
    assert message in done.error


def test_copies_without_augmentation_are_pointed_out(moods, tmp_path):
    chosen = (*CPU, "model=logistic_regression", "data.copies=2", f"data.source={moods}", f"run_dir={tmp_path / 'run'}")
    done = run("train", *chosen)
    assert done.status == 0, done.err
    assert "augment=none: all copies are the same" in " ".join((done.err + done.out).split())
