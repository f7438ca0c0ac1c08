"""Recordings and transcripts that cannot be used: named, with the remedy, and the rest is trained on."""

import json
import re

import numpy as np
import pytest
import soundfile

from tests.bad_input.spoiling import SPOILT, rejected, say, split, spoil
from tests.commands import run, train
from tests.tones import RATE


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


@pytest.mark.parametrize(("copies", "left_out"), [(1, [""]), (3, [" (copy 2)", " (copy 3)"])])
def test_what_augmentation_makes_too_short_is_named_after_the_training(corpus, tmp_path, copies, left_out):
    """Of several copies all but the first, which is not augmented."""
    short = say(corpus / "speaker0" / "short.wav", "a")
    text = "ab" * 6  # 12 tokens; 3600 samples make 46 frames and 12 of 40 ms, but at 1.3 times the speed 9
    soundfile.write(short, np.resize(soundfile.read(short)[0], 3600), RATE)
    short.with_suffix(".txt").write_text(text)
    faster = ["augment=[speed]", "augment.speed.factors=[1.3]", "trainer.augment_from=0", "budget.epochs=3"]
    done = train(corpus, tmp_path / "run", *faster, f"data.copies={copies}")
    assert done.status == 0, done.err
    named = rejected(tmp_path / "run")
    assert sorted(named) == [f"speaker0/short{copy}" for copy in left_out]
    for line in named.values():
        assert line["audio"].endswith("short.wav")
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
