"""Run folders that are none, or another run's: one message, and status 2."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.bad_input.spoiling import rejected, spoil
from tests.commands import run, train


def test_a_run_dir_that_holds_another_run(tones, trained):
    before = (trained / "metrics.json").read_bytes()
    error = train(tones, trained, "encoder.dim=32", "seed=2").error
    assert error.startswith(f"{trained} holds a run with ")
    assert "encoder.dim=16 instead of 32" in error
    assert "seed=1 instead of 2" in error
    assert error.endswith("give another run_dir")
    assert (trained / "metrics.json").read_bytes() == before


@pytest.mark.parametrize("kind", ["file", "below a file", "foreign", "damaged", "forbidden"])
def test_a_run_dir_that_is_none(tones, tmp_path, kind, monkeypatch):
    place = tmp_path / "place"
    if kind == "foreign":
        place.mkdir()
        (place / "thesis.tex").write_text("my only copy")
    elif kind == "damaged":
        place.mkdir()
        (place / "config.yaml").write_text("a: [")
    elif kind == "forbidden":
        place = Path("/sys/run")  # not even root may make it
    else:
        place.write_text("my only copy")
    place = place / "run" if kind == "below a file" else place
    error = train(tones, place).error
    assert str(place) in error
    assert "give another run_dir" in error or "give the folder of another run" in error
    if kind == "foreign":
        assert [path.name for path in place.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "run= has to be given"),
        (["run=/nowhere/at/all"], "run=/nowhere/at/all: no such folder"),
        (["run={here}"], "not a run: no config.yaml or no model folder"),
        (["run={trained}", "split=tset"], "split=tset: no such split; did you mean test?; there are train, dev, test"),
        (["run={trained}", "splt=test"], "splt: no such key; did you mean split?"),
        (["run={trained}", "data.source={here}/nothing"], "no such file or folder"),
        (["run={trained}", "data.max_rejected=-1"], "data.max_rejected=-1: a number from 0 to 1 is wanted"),
        (["run={trained}", "data.reader=nemo"], "data.reader"),
    ],
)
def test_evaluating_what_cannot_be(trained, tmp_path, options, message):
    error = run("evaluate", *(option.format(here=tmp_path, trained=trained) for option in options)).error
    assert message in error
    assert len(error.splitlines()) == 1


def test_evaluating_a_source_without_usable_recordings(trained, corpus, tmp_path):
    for path in corpus.rglob("*.wav"):
        path.write_bytes(path.read_bytes()[:100])
    error = run("evaluate", f"run={trained}", f"data.source={corpus}", f"out_dir={tmp_path / 'out'}", "split=all").error
    assert "60 of 60 utterances (100.0%) cannot be used" in error
    assert len(rejected(tmp_path / "out")) == 60


def test_evaluating_other_data_whole(trained, corpus, tmp_path):
    spoil(corpus, "silent")
    done = run("evaluate", f"run={trained}", f"data.source={corpus}", f"out_dir={tmp_path / 'out'}", "split=all")
    assert done.status == 0, done.err
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["all"]["utterances"] == 60
    assert list(rejected(tmp_path / "out")) == ["speaker0/silent"]


@pytest.mark.parametrize(
    "target",
    ["os.system", "asr.writing.write_whole", "asr.corpus.readers.detect.Path.touch", "asr.audio.recording.load_audio"],
)
@pytest.mark.parametrize("part", ["reader", "synthetic"])
def test_a_runs_configuration_runs_nothing(trained, tmp_path, target, part):
    run_dir = shutil.copytree(trained, tmp_path / "run")
    config = yaml.safe_load((run_dir / "config.yaml").read_text())
    config["data"][part] = {"_target_": target, "_partial_": False, "path": str(tmp_path / "trap"), "text": "caught"}
    (run_dir / "config.yaml").write_text(yaml.safe_dump(config))
    error = run("evaluate", f"run={run_dir}", f"out_dir={tmp_path / 'out'}").error
    assert f"{run_dir / 'config.yaml'}: _target_ {target}" in error
    assert "refused" in error
    assert not (tmp_path / "trap").exists()
