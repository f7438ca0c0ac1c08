"""A folder conf/ of one's own: what it adds, what it may replace, and what of it is trusted."""

import sys

import pytest
import yaml

from asr.configuration import trust
from asr.configuration.compose import load_configuration
from asr.configuration.search_path import CONF, group_files, searched_folders, use_config_dir
from asr.errors import UserError
from tests.commands import ROOT, TINY, run
from tests.configuration.own import write_own_encoder


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch, tmp_path):
    """What a command leaves in its process is taken back: the search path, what is trusted, imported modules."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trust, "_chosen", set())
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    use_config_dir(None)
    sys.modules.pop("own_encoders", None)


def test_in_a_checkout_the_folder_conf_is_found_once(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert searched_folders() == [CONF]


def test_a_folder_beside_adds_choices(tmp_path):
    own = write_own_encoder(tmp_path)
    assert searched_folders() == [CONF, own]
    assert group_files("encoder")["own"] == own / "encoder" / "own.yaml"
    config = load_configuration("train", ["encoder=own", "encoder.dim=8"])
    assert (config.choices.encoder, config.encoder.dim) == ("own", 8)
    assert "| own |" in run("train", "--help").out


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("encoder=owm", "encoder=owm: no such choice; did you mean own?"),
        ("encoder.dimm=3", "encoder.dimm: no such key; did you mean encoder.dim?"),
        ("encoder.dim=4", "encoder.dim=4: a whole number of 8 or more is wanted, such as 16"),
    ],
)
def test_what_is_mistyped_is_told_of_them_too(tmp_path, option, message):
    write_own_encoder(tmp_path)
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        load_configuration("train", ["encoder=own", option])


def test_a_folder_that_is_given_comes_first_and_may_replace_files(tmp_path):
    own = tmp_path / "it's, mine" / "conf"
    (own / "optimizer").mkdir(parents=True)
    text = (CONF / "optimizer" / "adamw.yaml").read_text("utf-8").replace("lr: 0.001 ", "lr: 0.007 ")
    (own / "optimizer" / "adamw.yaml").write_text(text, "utf-8")
    use_config_dir(own)
    assert load_configuration("train", []).optimizer.lr == 0.007
    shown = run("train", f"--config-dir={own}", "--help").out
    assert "lr: 0.007" in shown
    assert shown == run("asr", "--config-dir", own, "train", "--help").out
    assert "lr: 0.001" in run("train", "--help").out


def test_a_folder_beside_replaces_nothing_and_says_so(tmp_path):
    hidden = tmp_path / "conf" / "encoder" / "lstm.yaml"
    hidden.parent.mkdir(parents=True)
    hidden.write_text("_target_: somewhere.Else\n", "utf-8")
    assert load_configuration("train", []).choices.encoder == "conformer"
    with pytest.raises(UserError, match=f"is found before {hidden}; rename yours, or give --config-dir="):
        load_configuration("train", ["encoder=lstm"])


def test_a_file_that_is_no_yaml(tmp_path):
    broken = write_own_encoder(tmp_path) / "encoder" / "own.yaml"
    broken.write_text("dim: [1\n", "utf-8")
    with pytest.raises(UserError, match=f"not YAML: .*{broken}"):
        load_configuration("train", ["encoder=own"])
    assert load_configuration("train", []).choices.encoder == "conformer"


def test_a_folder_that_is_none(tmp_path):
    error = run("train", "--config-dir", tmp_path / "nowhere").error
    assert error == f"--config-dir={tmp_path / 'nowhere'}: no such folder; give one that is laid out as conf/ is"


def test_a_model_with_an_encoder_of_ones_own_is_trusted_where_the_caller_says_so(tmp_path, tones):
    own = write_own_encoder(tmp_path, "mine")
    tiny = [option for option in TINY if not option.startswith("encoder")]
    where = (f"data.source={tones}", f"run_dir={tmp_path / 'run'}", "encoder=own")
    done = run("train", f"--config-dir={own}", *tiny, *where)
    assert done.status == 0, done.err
    saved = yaml.safe_load((tmp_path / "run" / "model" / "config.yaml").read_text("utf-8"))
    assert saved["encoder"]["_target_"] == "own_encoders.Own"
    (tmp_path / "mine").rename(tmp_path / "conf")  # which lies there, and of which this command chooses nothing
    trust._chosen.clear()  # as in a process that has trained nothing
    sample = next(tones.rglob("*.wav"))
    refused = run("asr", "transcribe", sample, "--model", tmp_path / "run" / "model").error
    assert "_target_ own_encoders.Own is not a part of this program; refused" in refused
    assert "give --config-dir=DIR" in refused
    taken = run("asr", "--config-dir", tmp_path / "conf", "transcribe", sample, "--model", tmp_path / "run" / "model")
    assert taken.status == 0, taken.err
