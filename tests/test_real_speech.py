"""Training on real people's speech, where ASR_TEST_DATA names a folder that holds the corpora."""

import json
import os
from pathlib import Path

import pytest

from asr.commands.train import train
from asr.configuration.compose import load_values
from asr.corpus.readers import yesno
from tests.commands import run
from tests.corpus.recordings import write_lines

DATA = os.environ.get("ASR_TEST_DATA")
needs_speech = pytest.mark.skipif(not DATA, reason="ASR_TEST_DATA names no folder of real recordings")


@pytest.fixture(scope="module")
def yesno_run(tmp_path_factory) -> Path:
    """The recipe as it stands."""
    folder = tmp_path_factory.mktemp("yesno") / "run"
    source = Path(DATA) / "yesno"
    train(load_values("train", ["experiment=yesno", f"data.source={source}", f"run_dir={folder}"]))
    return folder


@needs_speech
def test_yesno_is_learned_in_76_epochs(yesno_run):
    """Thirty recordings train, thirty test; guessing makes about half of the words wrong."""
    metrics = json.loads((yesno_run / "metrics.json").read_text())
    assert metrics["test"]["words"] == 240
    assert metrics["test"]["wer"] <= 0.05
    assert metrics["train"]["epochs"] == 76


@needs_speech
def test_a_trained_model_doubts_wrong_transcripts(yesno_run, tmp_path):
    """Two words are exchanged in two recordings that the model was not trained on."""
    test = [each for each in yesno.read(Path(DATA) / "yesno") if each.split == "test"]
    wrong = {each.id: flipped(each.text) for each in (test[3], test[17])}
    write_lines(
        tmp_path / "in" / "test.jsonl",
        *({"id": u.id, "audio_filepath": str(u.audio), "text": wrong.get(u.id, u.text)} for u in test),
    )
    done = run("asr", "doctor", tmp_path / "in", "--run", yesno_run, "--out-dir", tmp_path / "out")
    assert done.status == 0, done.err
    lines = map(json.loads, (tmp_path / "out" / "findings.jsonl").read_text("utf-8").splitlines())
    doubted = [line["utterance"] for line in lines if line["kind"] == "transcript_suspect"]
    assert set(wrong) <= set(doubted[:4])  # of thirty: the model errs too, and may be surer of that


def flipped(text: str) -> str:
    """The first two words, which have two forms, each the other one."""
    words = text.split()
    forms = {"ken": "lo", "lo": "ken"}
    return " ".join([*(forms[word] for word in words[:2]), *words[2:]])


@needs_speech
def test_librispeech_layout_trains(tmp_path):
    """The miniature has four utterances of one subset: enough to be read and gone over, not to be learned."""
    from asr.corpus.readers.detect import read_any

    found = list(read_any(Path(DATA) / "fixtures" / "LibriSpeech"))
    assert {utterance.split for utterance in found} == {"test"}
    assert all(utterance.text and utterance.speaker == "1089" for utterance in found)
