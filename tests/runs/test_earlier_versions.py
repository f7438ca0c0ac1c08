"""Models and runs of earlier versions open as they did: names of then are understood, format 1 too."""

import json

import pytest
import yaml

import asr
from asr.configuration.old_names import MOVED
from asr.runs.folder import differences, read_config
from tests.commands import run, train

OF_A_MODEL = ("features", "encoder", "sample_rate")


@pytest.fixture(scope="module")
def today(tones, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "today"
    assert train(tones, folder).status == 0
    return folder


@pytest.fixture
def earlier(today, tmp_path):
    """The same run as 0.1.0's first months wrote it: rooms of then, no task, transcripts' parts at the top."""
    folder = tmp_path / "earlier"
    (folder / "model").mkdir(parents=True)
    for file in today.glob("model/*"):
        (folder / "model" / file.name).write_bytes(file.read_bytes())
    model = yaml.safe_load((today / "model" / "config.yaml").read_text())
    parts = {key: value for key, value in model["task"].items() if key != "_target_"}
    write(folder / "model" / "config.yaml", {"format": 1, **{key: model[key] for key in OF_A_MODEL}, **parts})
    config = read_config(today / "config.yaml")
    del config["task"], config["choices"]["task"]
    config["trainer"]["monitor"] = "wer"
    write(folder / "config.yaml", config)
    return folder


def write(path, content) -> None:
    text = yaml.safe_dump(content, sort_keys=False)
    for then, now in MOVED.items():
        text = text.replace(f"_target_: {now}.", f"_target_: {then}.")
    path.write_text(text)


def test_names_of_then_stand_in_it(earlier):
    text = (earlier / "model" / "config.yaml").read_text() + (earlier / "config.yaml").read_text()
    assert "asr.encoders.mlp.MLP" in text and "asr.data.readers.detect.read_any" in text
    assert "asr.tasks" not in text and "asr.model" not in text


def test_the_model_hears_the_same(earlier, today, tones):
    recordings = sorted(tones.rglob("*.wav"))[:4]
    then, now = (asr.load(folder).transcribe(recordings) for folder in (earlier, today))
    assert then == now and any(each.text for each in now)


def test_the_run_is_evaluated_on_its_own_data(earlier, today, tmp_path):
    done = run("evaluate", f"run={earlier}", f"out_dir={tmp_path / 'again'}")
    assert done.status == 0, done.err
    scores = (json.loads((folder / "metrics.json").read_text())["test"] for folder in (tmp_path / "again", today))
    assert len({(each["wer"], each["cer"], each["words"]) for each in scores}) == 1


def test_an_interrupted_run_of_then_is_the_same_run(earlier, today):
    assert differences(read_config(today / "config.yaml"), read_config(earlier / "config.yaml")) == []


def test_saved_again_it_is_of_today(earlier, tmp_path):
    asr.load(earlier).save(tmp_path / "again")
    written = yaml.safe_load((tmp_path / "again" / "config.yaml").read_text())
    assert written["format"] == 2 and written["task"]["_target_"] == "asr.tasks.transcribe.task.Transcribe"
