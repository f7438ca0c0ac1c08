"""Options mistyped: one message that names the nearest right one, and status 2."""

import re

import pytest
import yaml

from tests.commands import run, train
from tests.tones import make_corpus


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
        (["trainer.monitor=per"], "trainer.monitor=per: wer or cer is wanted"),
        (["text.case=loud"], "choose one of lower, upper, keep"),
        (["augment=[noise]", "augment.noise.folder=/nowhere"], "augment.noise.folder=/nowhere: no recordings"),
        (["augment=[reverberation]"], "augment.reverberation.folder is missing: give a folder"),
        (["tokenizer=bpe", "tokenizer.vocabulary_size=4"], "tokenizer.vocabulary_size=4 is too small"),
        (["hello"], "'hello' is no key=value; write for example encoder=lstm"),
        (["--encoder=lstm"], "'--encoder=lstm' is no key=value; write for example encoder=lstm"),
        (["encoder=lstm,gru"], "encoder=lstm,gru: one at a time; python tune.py search=grid"),
        (["encoder=[lstm,gru]"], "encoder=[lstm,gru]: one at a time; python tune.py search=grid"),
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


def test_help_explains_every_key_and_those_of_the_files_that_are_chosen():
    shown = run("train", "encoder=bilstm", "features=mfcc", "--help").out
    assert re.search(r"^    units: 192 +# in each direction$", shown, re.MULTILINE)
    assert re.search(r"^      factor: 4 +# 1, 2, 4 or 8$", shown, re.MULTILINE)
    assert re.search(r"^    minutes: null +# wall time of training", shown, re.MULTILINE)
    assert "coefficients:" in shown and "feed_forward:" not in shown
    wrong = run("train", "encoder=bilst", "--help")
    assert wrong.status == 2 and "did you mean bilstm?" in wrong.error


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


@pytest.mark.parametrize(
    ("objectives", "monitor", "remedy"),
    [
        ("[wer]", "cer", "give trainer.monitor=wer, or objectives with cer"),
        ("[parameters,cer]", "wer", "give trainer.monitor=cer, or objectives with wer"),
    ],
)
def test_a_sweep_and_its_trainings_go_by_one_rate(tmp_path, objectives, monitor, remedy):
    options = (f"objectives={objectives}", f"trainer.monitor={monitor}", f"data.source={tmp_path / 'nowhere'}")
    error = run("tune", "search=grid", f"run_dir={tmp_path / 'tuning'}", *options).error
    assert error == f"objectives={objectives} with trainer.monitor={monitor}: a sweep goes by one rate; {remedy}"
    assert not (tmp_path / "tuning").exists()
