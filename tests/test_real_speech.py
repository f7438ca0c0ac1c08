"""Training on real people's speech, where ASR_TEST_DATA names a folder that holds the corpora."""

import os
from pathlib import Path

import pytest

from asr.configuration import load_configuration
from train import train

DATA = os.environ.get("ASR_TEST_DATA")
needs_speech = pytest.mark.skipif(not DATA, reason="ASR_TEST_DATA names no folder of real recordings")


@needs_speech
def test_yesno_is_learned_in_a_minute(tmp_path):
    """The recipe as it stands: thirty recordings train, thirty test; guessing makes about half of the words wrong."""
    source = Path(DATA) / "yesno"
    config = load_configuration("train", ["experiment=yesno", f"data.source={source}", f"run_dir={tmp_path / 'run'}"])
    metrics = train(config)
    assert metrics["test"]["words"] == 240
    assert metrics["test"]["wer"] <= 0.05
    assert metrics["train"]["seconds"] < 60


@needs_speech
def test_librispeech_layout_trains(tmp_path):
    """The miniature has four utterances of one subset: enough to be read and gone over, not to be learned."""
    from asr.data.readers.detect import read_any

    found = list(read_any(Path(DATA) / "fixtures" / "LibriSpeech"))
    assert {utterance.split for utterance in found} == {"test"}
    assert all(utterance.text and utterance.speaker == "1089" for utterance in found)
