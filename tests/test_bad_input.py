"""What a person may get wrong, through the real commands: one message that names it and the remedy, and status 2."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from tones import RATE, make_corpus, speak

from tests.commands import Outcome, run, train


@pytest.fixture
def corpus(tones, tmp_path) -> Path:
    """A copy to be spoilt."""
    return shutil.copytree(tones, tmp_path / "corpus")


@pytest.fixture(scope="module")
def trained(tones, tmp_path_factory) -> Path:
    """A finished run; its model is not to be touched."""
    folder = tmp_path_factory.mktemp("runs") / "trained"
    assert train(tones, folder).status == 0
    return folder


@pytest.fixture
def model(trained, tmp_path) -> Path:
    """A copy of a model folder, to be spoilt."""
    return shutil.copytree(trained / "model", tmp_path / "model")


@pytest.fixture
def recording(tones) -> Path:
    return next(tones.rglob("*.wav"))


def rejected(run_dir: Path) -> dict[str, dict]:
    lines = (run_dir / "rejected.jsonl").read_text("utf-8").splitlines()
    return {line["id"]: line for line in map(json.loads, lines)}


def say(path: Path, text: str = "abc", rate: int = RATE, channels: int = 1) -> Path:
    """Add an utterance."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = speak(text, np.random.default_rng(0))
    soundfile.write(path, np.stack([samples] * channels, axis=1), rate)
    path.with_suffix(".txt").write_text(text, "utf-8")
    return path


def split(corpus: Path) -> Path:
    """The same corpus with its splits as folders: train has four speakers, dev and test one each."""
    for number in range(6):
        home = corpus / ("dev" if number == 4 else "test" if number == 5 else "train")
        home.mkdir(exist_ok=True)
        (corpus / f"speaker{number}").rename(home / f"speaker{number}")
    return corpus


# ---------------------------------------------------------------------------------------------------------- recordings

SPOILT = {  # name: what makes a good utterance bad, and the reason that is given
    "unreadable": (lambda p: p.write_text("this is no recording " * 20), "audio_unreadable"),
    "truncated": (lambda p: p.write_bytes(p.read_bytes()[:3000]), "audio_truncated"),
    "no-bytes": (lambda p: p.write_bytes(b""), "audio_empty"),
    "no-samples": (lambda p: soundfile.write(p, np.zeros(0), RATE), "audio_empty"),
    "silent": (lambda p: soundfile.write(p, np.zeros(RATE), RATE), "audio_silent"),
    "nan": (lambda p: soundfile.write(p, np.full(RATE, np.nan), RATE, "FLOAT"), "audio_not_finite"),
    "gone": (lambda p: p.unlink(), "audio_missing"),
    "no-text": (lambda p: p.with_suffix(".txt").unlink(), "transcript_missing"),
    "empty-text": (lambda p: p.with_suffix(".txt").write_text(" \n"), "transcript_empty"),
    "latin1": (lambda p: p.with_suffix(".txt").write_bytes("à bc".encode("latin1")), "transcript_not_utf8"),
    "twice": (lambda p: shutil.copy(p, p.with_suffix(".flac")), "duplicate_id"),
    "short": (lambda p: soundfile.write(p, np.full(800, 0.1) * np.sin(np.arange(800)), RATE), "ctc_infeasible"),
}


def spoil(corpus: Path, *kinds: str) -> None:
    for kind in kinds:
        SPOILT[kind][0](say(corpus / "speaker0" / f"{kind}.wav", "abcabcabc"))


def test_what_cannot_be_used_is_named_and_the_rest_is_trained_on(corpus, tmp_path):
    spoil(corpus, *SPOILT)
    done = train(corpus, tmp_path / "run", "data.max_rejected=0.2")
    assert done.status == 0, done.err
    named = rejected(tmp_path / "run")
    assert {name: line["reason"] for name, line in named.items()} == {
        f"speaker0/{kind}": reason for kind, (_, reason) in SPOILT.items()
    }
    for name, line in named.items():
        assert name in line["audio"] + line["detail"], line
        assert len(line["detail"]) > 10, line
        assert len(line["remedy"]) > 10, line
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]["utterances"] == 10


def test_one_bad_recording_does_not_stop_a_training(corpus, tmp_path):
    spoil(corpus, "truncated")
    done = train(corpus, tmp_path / "run")
    assert done.status == 0, done.err
    assert list(rejected(tmp_path / "run")) == ["speaker0/truncated"]


@pytest.mark.parametrize(
    "kinds", [["silent", "latin1", "truncated", "nan"], ["short", "no-text", "empty-text", "twice"]]
)
def test_too_many_stop_it_before_the_first_step(corpus, tmp_path, kinds):
    spoil(corpus, *kinds)
    error = train(corpus, tmp_path / "run").error
    assert re.search(r"4 of 6\d utterances \(6.2%\) cannot be used", error)
    assert "data.max_rejected" in error
    assert str(tmp_path / "run" / "rejected.jsonl") in error
    for kind in kinds:
        assert f"speaker0/{kind}" in error
        assert SPOILT[kind][1] in error
    assert sorted(rejected(tmp_path / "run")) == sorted(f"speaker0/{kind}" for kind in kinds)
    assert not (tmp_path / "run" / "model").exists()


def test_channels_and_sample_rates_are_made_one_and_that_is_said(corpus, tmp_path):
    say(corpus / "speaker0" / "stereo.wav", channels=2)
    say(corpus / "speaker0" / "fast.wav", rate=16000)
    say(corpus / "speaker0" / "slow.wav", rate=11025)
    done = train(corpus, tmp_path / "run")
    assert done.status == 0, done.err
    assert "note: 1 stereo recordings averaged to mono (first: speaker0/stereo)" in done.err
    assert "note: 1 recordings resampled from 16000 to 8000 Hz (first: speaker0/fast)" in done.err
    assert "note: 1 recordings resampled from 11025 to 8000 Hz (first: speaker0/slow)" in done.err
    assert not rejected(tmp_path / "run")


def test_what_augmentation_makes_too_short_is_named_after_the_training(corpus, tmp_path):
    short = say(corpus / "speaker0" / "short.wav", "a")
    text = "ab" * 6  # 12 tokens; 3600 samples make 46 frames and 12 of 40 ms, but at 1.3 times the speed 9
    soundfile.write(short, np.resize(soundfile.read(short)[0], 3600), RATE)
    short.with_suffix(".txt").write_text(text)
    faster = ["augment=[speed]", "augment.speed.factors=[1.3]", "trainer.augment_from=0", "budget.epochs=3"]
    done = train(corpus, tmp_path / "run", *faster)
    assert done.status == 0, done.err
    line = rejected(tmp_path / "run")["speaker0/short"]
    assert line["reason"] == "ctc_infeasible"
    assert line["detail"].startswith("left out of 3 training steps after augmentation: 9 frames")
    assert "speed" in line["remedy"]


def test_nothing_long_enough(corpus, tmp_path):
    for path in corpus.rglob("*.txt"):
        path.write_text("abc" * 40)
    error = train(corpus, tmp_path / "run", "data.max_rejected=1").error
    assert "no training utterance is left, the first that cannot be used: speaker" in error
    assert len(rejected(tmp_path / "run")) == 40


def test_characters_that_no_training_transcript_holds(corpus, tmp_path):
    split(corpus)
    (corpus / "dev" / "speaker4" / "03.txt").write_text("añb")
    (corpus / "test" / "speaker5" / "07.txt").write_text("cœb a")
    done = train(corpus, tmp_path / "run")
    assert done.status == 0, done.err
    assert "note: dev: dev/speaker4/03: scored, but the model cannot write ñ: no training transcript" in done.err
    assert "note: test: test/speaker5/07: scored, but the model cannot write œ: no training transcript" in done.err
    assert {name: line["reason"] for name, line in rejected(tmp_path / "run").items()} == dict.fromkeys(
        ("dev/speaker4/03", "test/speaker5/07"), "unknown_characters"
    )
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert (metrics["dev"]["utterances"], metrics["test"]["utterances"]) == (10, 10)
    assert np.isfinite(json.loads((tmp_path / "run" / "history.jsonl").read_text())["dev_loss"])
    scored = run("evaluate", f"run={tmp_path / 'run'}")
    assert scored.status == 0, scored.err
    assert "note: test: test/speaker5/07: scored, but the model cannot write œ" in scored.err
    lines = (tmp_path / "run" / "evaluation" / "test" / "hypotheses.jsonl").read_text("utf-8").splitlines()
    assert "cœb a" in [json.loads(line)["reference"] for line in lines]


# ------------------------------------------------------------------------------------------------- sources and splits


def test_a_source_that_does_not_exist(corpus, tmp_path):
    error = train(corpus.with_name("corpsu"), tmp_path / "run").error
    assert error.startswith(f"{corpus.with_name('corpsu')}: no such file or folder (did you mean {corpus}?)")
    assert "data.source" in error


@pytest.mark.parametrize("content", [None, "notes.pdf", "speech.wav"])
def test_a_source_in_no_known_form(tmp_path, content):
    source = tmp_path / "source"
    source.mkdir()
    if content:
        (source / content).write_bytes(b"something")
    error = train(source, tmp_path / "run").error
    assert error.startswith(f"{source}: no recordings with transcripts in a form that is known.")
    assert "data.reader._target_" in error


@pytest.mark.parametrize(
    ("utterances", "options", "message"),
    [
        (60, ["data.test_fraction=0"], "the test split is empty: training needs one; set data.test_fraction above 0"),
        (60, ["data.dev_fraction=0"], "the dev split is empty: training needs one; set data.dev_fraction above 0"),
        (60, ["data.dev_fraction=0.5", "data.test_fraction=0.5"], "the train split is empty"),
        (2, [], "the test split is empty: 2 usable utterances are too few to draw one; add recordings"),
        (1, [], "split is empty: 1 usable utterances are too few"),
    ],
)
def test_an_empty_split(tmp_path, utterances, options, message):
    make_corpus(tmp_path / "corpus", speakers=max(1, utterances // 10), utterances=min(10, utterances))
    assert message in train(tmp_path / "corpus", tmp_path / "run", *options).error


def test_three_utterances_are_enough(tmp_path):
    make_corpus(tmp_path / "corpus", speakers=1, utterances=3)
    done = train(tmp_path / "corpus", tmp_path / "run")
    assert done.status == 0, done.err


# ---------------------------------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["encodr.dim=3"], "encodr.dim: no such key; did you mean encoder.dim?"),
        (["encoder.dimm=3"], "encoder.dimm: no such key; did you mean encoder.dim?"),
        (["dim=3"], "dim: no such key; did you mean encoder.dim?"),
        (["encoder=transfomer"], "encoder=transfomer: no such choice; did you mean transformer?"),
        (["encoder/subsampling=conw"], "encoder/subsampling=conw: no such choice; did you mean conv?"),
        (["augment=[speed,specagment]"], "augment=specagment: no such choice; did you mean specaugment?"),
        (["experiment=dmo"], "experiment=dmo: no such choice; did you mean demo?"),
        (["search=grid"], "search: no such key"),
        (["encoder.layers=many"], "encoder.layers=many: a whole number above 0 is wanted, such as"),
        (["encoder.layers=2.5"], "encoder.layers=2.5: a whole number above 0 is wanted"),
        (["encoder.layers=0"], "encoder.layers=0: a whole number above 0 is wanted"),
        (["encoder.dropout=2"], "encoder.dropout=2: a number from 0 to 1 is wanted"),
        (["encoder.dim=null"], "encoder.dim=null: a whole number above 0 is wanted"),
        (["encoder.dim=18", "encoder.heads=4"], "encoder.dim=18: has to be a multiple of twice encoder.heads=4"),
        (["encoder.subsampling=stack"], "encoder.subsampling=stack: a part with keys of its own"),
        (["encoder/subsampling=conv", "encoder.subsampling.factor=3"], "encoder.subsampling.factor=3:"),
        (["budget.minutes=abc"], "budget.minutes=abc: a number above 0 is wanted"),
        (["budget.epochs=1.5"], "budget.epochs=1.5: a whole number above 0 is wanted"),
        (["data.batch_seconds=-5"], "data.batch_seconds=-5: a number above 0 is wanted"),
        (["data.batch_utterances=0"], "data.batch_utterances=0: a whole number above 0 is wanted"),
        (["data.languages=en"], "data.languages=en: a list (data.languages=[…]) is wanted"),
        (["optimizer.lr=nan"], "optimizer.lr=nan: a number above 0 is wanted"),
        (["seed=one"], "seed=one: a whole number of 0 or more is wanted"),
        (["trainer.accelerator=abacus"], "accelerator='abacus'"),
        (["trainer.precision=64x"], "Precision '64x' is invalid"),
        (["text.case=loud"], "choose one of lower, upper, keep"),
        (["augment=[noise]", "augment.noise.folder=/nowhere"], "augment.noise.folder=/nowhere: no recordings"),
        (["augment=[reverberation]"], "augment.reverberation.folder is missing: give a folder"),
        (["tokenizer=bpe", "tokenizer.vocabulary_size=4"], "tokenizer.vocabulary_size=4 is too small"),
        (["hello"], "'hello' is no key=value; write for example encoder=lstm"),
        (["--encoder=lstm"], "'--encoder=lstm' is no key=value; write for example encoder=lstm"),
        (["encoder=lstm,gru"], "encoder=lstm,gru: one at a time; python tune.py search=grid"),
        (["--multirun"], "python tune.py search=grid"),
        (["encoder=lstm", "encoder.dim=8"], "encoder.dim: no such key; encoder has subsampling, units, layers,"),
        (["encoder.dim=8", "encoder=lstm"], "encoder.dim: no such key; encoder has subsampling, units, layers,"),
        (["augment.speed.factors=[1.0]"], "speed is not chosen; choose it too, augment=[…,speed]"),
    ],
)
def test_a_mistyped_option(tones, tmp_path, options, message):
    done = run("train", f"data.source={tones}", f"run_dir={tmp_path / 'run'}", "trainer.precision=32-true", *options)
    assert message in done.error
    assert len(done.error.splitlines()) == 1
    assert not (tmp_path / "run" / "model").exists()


def test_an_option_may_stand_before_its_group(tones, tmp_path):
    before = ["encoder.units=8", "encoder.layers=1", "encoder=lstm", "augment.speed.factors=[1.0]", "augment=[speed]"]
    options = ["budget.epochs=1", "trainer.accelerator=cpu", "trainer.precision=32-true", "trainer.examples=1"]
    done = run("train", *before, *options, f"data.source={tones}", f"run_dir={tmp_path / 'run'}")
    assert done.status == 0, done.err
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["encoder"]["units"] == 8


def test_paths_need_no_quoting(tmp_path):
    make_corpus(tmp_path / "it's (mine), a=b" / "corpus", utterances=2)
    done = train(tmp_path / "it's (mine), a=b" / "corpus", tmp_path / 'run "1" [x]')
    assert done.status == 0, done.err
    assert (tmp_path / 'run "1" [x]' / "metrics.json").is_file()


@pytest.mark.parametrize("script", ["train", "evaluate", "tune"])
def test_help(script):
    shown = run(script, "--help")
    assert shown.status == 0
    assert f"python {script}.py" in shown.out
    assert len(shown.out.splitlines()) > 10


def test_help_of_asr():
    assert "transcribe" in run("asr", "--help").out
    assert "--model" in run("asr", "transcribe", "--help").out


def test_tune_tells_a_mistyped_option_before_the_first_trial(tones, tmp_path):
    folder = tmp_path / "tuning"
    error = run("tune", "search=grid", f"run_dir={folder}", f"data.source={tones}", "optimizer.rl=1").error
    assert "optimizer.rl: no such key; did you mean optimizer.lr?" in error
    assert "search=gird: no such choice; did you mean grid?" in run("tune", "search=gird", f"run_dir={folder}").error
    assert "serch=grid: no such key; did you mean search?" in run("tune", "serch=grid", f"run_dir={folder}").error
    assert not folder.exists()


# ----------------------------------------------------------------------------------------------------------------- runs


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


# -------------------------------------------------------------------------------------------------------------- models


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
        {"_target_": "asr.recognizer.importlib.import_module", "name": "{module}"},
        {"_target_": "asr.text.load.Path.touch", "self": "{trap}"},
        {"_target_": "asr.decode.greedy.torch.hub.load", "_args_": ["{trap}"]},
        {"_target_": "pathlib.Path.touch", "_args_": ["{trap}"]},
        {"_target_": "hydra.utils.instantiate", "config": {"_target_": "os.mkdir", "path": "{trap}"}},
        {"_target_": "asr.decode.greedy.GreedyDecoder", "_args_": [{"_target_": "os.mkdir", "path": "{trap}"}]},
        {"_target_": "asr.decode.greedy.GreedyDecoder", "x": {"y": [{"_target_": "os.mkdir", "path": "{trap}"}]}},
        {"_target_": "asr.decode.greedy.GreedyDecoder", "x": "${{oc.env:HOME}}"},
    ],
)
@pytest.mark.parametrize("place", ["decoder", "encoder"])
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


# ---------------------------------------------------------------------------------------------------------- transcribe


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
