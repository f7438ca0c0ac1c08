"""Models damaged or hostile, and recordings that cannot be transcribed: named, and nothing is executed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from tests.commands import Outcome, run
from tests.tones import RATE


def transcribe(model: Path, *files: object, options: tuple = ()) -> Outcome:
    return run("asr", "transcribe", "--model", model, *options, *files)


def described(model: Path, **changed) -> None:
    """Change keys of a model's config.yaml."""
    path = model / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changed))


class Boobytrap:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def other_weights(model: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(model / "model.safetensors")
    save_file({name: value[:1].clone() for name, value in weights.items()}, model / "model.safetensors")


BROKEN = {  # what makes a model folder bad, and what the message names
    "gone": (shutil.rmtree, "not a model folder: it has no config.yaml"),
    "empty": (lambda m: [path.unlink() for path in m.iterdir()], "not a model folder: it has no config.yaml"),
    "no yaml": (lambda m: (m / "config.yaml").write_text("a: [b"), "config.yaml: not readable as YAML"),
    "binary": (lambda m: (m / "config.yaml").write_bytes(bytes(range(256))), "config.yaml: not readable as YAML"),
    "a list": (lambda m: (m / "config.yaml").write_text("- a"), "config.yaml: not a model of this program"),
    "foreign": (lambda m: (m / "config.yaml").write_text("model_type: whisper"), "not a model of this program"),
    "of the future": (lambda m: described(m, format=99), "not a model of this program"),
    "keys missing": (lambda m: (m / "config.yaml").write_text("format: 1"), "config.yaml: does not describe a model"),
    "no rate": (lambda m: described(m, sample_rate="fast"), "config.yaml: does not describe a model"),
    "weights gone": (lambda m: (m / "model.safetensors").unlink(), "model.safetensors: weights missing, damaged"),
    "weights cut": (
        lambda m: (m / "model.safetensors").write_bytes((m / "model.safetensors").read_bytes()[:1000]),
        "model.safetensors: weights missing, damaged",
    ),
    "other weights": (other_weights, "model.safetensors: weights missing, damaged or of another model"),
    "no tokenizer": (lambda m: (m / "tokenizer.json").unlink(), "no tokenizer here"),
    "bad tokenizer": (lambda m: (m / "tokenizer.json").write_text('{"characters": 3}'), "tokenizer.json: not a char"),
    "other tokenizer": (
        lambda m: (m / "tokenizer.json").write_text('{"characters": ["x"]}'),
        "weights missing, damaged or of another model",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_model_that_cannot_be_opened(model, recording, kind):
    spoil_it, message = BROKEN[kind]
    spoil_it(model)
    error = transcribe(model, recording).error
    assert str(model) in error
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    "part",
    [
        {"_target_": "os.system", "command": "touch {trap}"},
        {"_target_": "builtins.eval", "_args_": ["open('{trap}', 'w')"]},
        {"_target_": "asr.tasks.transcribe.recognizer.importlib.import_module", "name": "{module}"},
        {"_target_": "asr.tasks.transcribe.text.load.Path.touch", "self": "{trap}"},
        {"_target_": "asr.tasks.transcribe.decode.greedy.torch.hub.load", "_args_": ["{trap}"]},
        {"_target_": "pathlib.Path.touch", "_args_": ["{trap}"]},
        {"_target_": "hydra.utils.instantiate", "config": {"_target_": "os.mkdir", "path": "{trap}"}},
        {
            "_target_": "asr.tasks.transcribe.decode.greedy.GreedyDecoder",
            "_args_": [{"_target_": "os.mkdir", "path": "{trap}"}],
        },
        {
            "_target_": "asr.tasks.transcribe.decode.greedy.GreedyDecoder",
            "x": {"y": [{"_target_": "os.mkdir", "path": "{trap}"}]},
        },
        {"_target_": "asr.tasks.transcribe.decode.greedy.GreedyDecoder", "x": "${{oc.env:HOME}}"},
    ],
)
@pytest.mark.parametrize("place", ["decoder", "encoder", "task"])
def test_a_models_configuration_runs_nothing(model, recording, tmp_path, part, place, monkeypatch):
    trap = tmp_path / "trap"
    (tmp_path / "trap_module.py").write_text(f"open({str(trap)!r}, 'w')")
    monkeypatch.syspath_prepend(str(tmp_path))
    filled = json.loads(json.dumps(part).replace("{trap}", str(trap)).replace("{module}", "trap_module"))
    described(model, **{place: filled})
    error = transcribe(model, recording).error
    assert str(model / "config.yaml") in error
    assert "refused" in error
    assert not trap.exists()


def test_weights_are_not_unpickled(model, recording, tmp_path):
    torch.save(Boobytrap(tmp_path / "trap"), model / "model.safetensors")
    assert "model.safetensors: weights missing, damaged" in transcribe(model, recording).error
    assert not (tmp_path / "trap").exists()


def test_python_in_yaml_is_not_run(model, recording, tmp_path):
    (model / "config.yaml").write_text(f"!!python/object/apply:os.mkdir ['{tmp_path / 'trap'}']")
    assert "config.yaml: not readable as YAML" in transcribe(model, recording).error
    assert not (tmp_path / "trap").exists()


def bad_file(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.wav"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("no recording at all, but a letter to a friend")
    elif kind == "empty":
        soundfile.write(path, np.zeros(0), RATE)
    elif kind == "silent":
        soundfile.write(path, np.zeros(RATE), RATE)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "no such file"),
        ("folder", "Is a directory"),
        ("text", "not audio that libsndfile can decode"),
        ("empty", "the recording has no samples"),
        ("silent", "nothing is heard"),
    ],
)
def test_transcribing_what_cannot_be(trained, recording, tmp_path, kind, message):
    """One bad recording among others is named, a silent one too, and the others are transcribed."""
    bad = bad_file(kind, tmp_path)
    done = transcribe(trained / "model", recording, bad, recording, options=("--format", "json"))
    assert done.error.startswith(f"{bad}: {message}")
    assert [json.loads(line)["path"] for line in done.out.splitlines()] == [str(recording)] * 2
    assert transcribe(trained / "model", bad).error.startswith(f"{bad}: {message}")


@pytest.mark.parametrize("options", [[], ["a.wav"], ["--model", "m"], ["--model", "m", "a.wav", "--format", "doc"]])
def test_transcribe_called_wrongly(options):
    done = run("asr", "transcribe", *options)
    assert done.status == 2
    assert "Traceback" not in done.err
    assert "Usage" in done.err + done.out
