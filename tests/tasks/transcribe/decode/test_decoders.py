"""Decoders as a person chooses them: in evaluate.py, asr transcribe and asr tune-decoder; what is wrong is named."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.commands import run, train


@pytest.fixture(scope="module")
def trained(tones, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("decoders") / "run"
    assert train(tones, folder, "budget.epochs=4", "optimizer.lr=0.01").status == 0
    return folder


@pytest.fixture
def copied(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def recording(tones) -> Path:
    return next(tones.rglob("*.wav"))


def test_evaluate_takes_another_decoder(trained, tmp_path):
    language_model = tmp_path / "words.arpa"
    assert run("asr", "lm", "--run", trained, "--order", 2, "--out", language_model).status == 0
    lexicon = {line.split("\t")[1] for line in language_model.read_text().splitlines() if line.count("\t") == 2}
    beam = ["decoder=beam", f"decoder.language_model={language_model}", "decoder.unknown_penalty=null"]
    done = run("evaluate", f"run={trained}", "split=dev", f"out_dir={tmp_path / 'beam'}", *beam)
    assert done.status == 0, done.err
    lines = (tmp_path / "beam" / "hypotheses.jsonl").read_text().splitlines()
    words = {word for line in lines for word in json.loads(line)["hypothesis"].split()}
    assert words and words <= lexicon
    written = (trained / "model" / "config.yaml").read_text()
    assert yaml.safe_load(written)["task"]["decoder"]["_target_"].endswith(
        "GreedyDecoder"
    )  # the model itself stays as it is


def test_a_tuned_decoder_travels_with_the_model(copied, recording, tmp_path):
    done = run("asr", "tune-decoder", copied, "--order", 3, "--trials", 4)
    assert done.status == 0, done.err
    assert "greedy" in done.err and "measure on test" in done.err
    assert f"its language model is {copied / 'model' / 'lm.arpa'}" in done.err
    moved = copied.rename(tmp_path / "elsewhere") / "model"
    decoder = yaml.safe_load((moved / "config.yaml").read_text())["task"]["decoder"]
    assert decoder["language_model"] == "lm.arpa" and (moved / "lm.arpa").is_file()
    words = json.loads(run("asr", "transcribe", "--model", moved, "--format", "json", recording).out)["words"]
    assert words and all(0 <= word["start"] < word["end"] and 0 < word["confidence"] <= 1 for word in words)


def test_a_models_language_model_is_the_one_in_its_folder(copied, recording, tmp_path):
    assert run("asr", "tune-decoder", copied, "--order", 2, "--trials", 1).status == 0
    config = copied / "model" / "config.yaml"
    described = yaml.safe_load(config.read_text())
    described["task"]["decoder"]["language_model"] = str(tmp_path / "secrets")
    config.write_text(yaml.safe_dump(described))
    assert run("asr", "transcribe", "--model", copied, recording).status == 0
    (copied / "model" / "lm.arpa").unlink()
    assert "lm.arpa" in run("asr", "transcribe", "--model", copied, recording).error


def test_weights_are_not_tuned_on_the_test_set(trained):
    assert "split=test" in run("asr", "tune-decoder", trained, "split=test").error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--decoder", "beem"], "did you mean beam?"),
        (["--decoder", "beam", "--option", "lm_wight=1"], "did you mean decoder.lm_weight?"),
        (["--decoder", "beam", "--option", "beam=0"], "decoder.beam=0: a whole number above 0 is wanted"),
        (["--decoder", "beam", "--option", "language_model=/nowhere.arpa"], "/nowhere.arpa"),
        (["--decoder", "beam", "--option", "hotwords=[Žižek]"], "hotword 'žižek': not in the tokenizer's vocabulary"),
        (["--option", "beam=3"], "give --decoder beam too"),
    ],
)
def test_wrong_options(trained, recording, options, message):
    assert message in run("asr", "transcribe", "--model", trained, recording, *options).error


def test_a_language_model_of_another_language(trained, recording, tmp_path):
    (tmp_path / "text").write_text("wo yɔ dɛ\nwo yɔ\n")
    assert run("asr", "lm", tmp_path / "text", "--out", tmp_path / "lm.arpa").status == 0
    options = ["--decoder", "beam", "--option", f"language_model={tmp_path / 'lm.arpa'}"]
    assert "cannot write, such as" in run("asr", "transcribe", "--model", trained, recording, *options).error
