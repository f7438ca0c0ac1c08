"""`asr lm`: of text, of a run's transcripts, of its tokens."""

import gzip
import json

import pytest

from asr.configuration.compose import load_configuration
from asr.language_model.arpa import read_arpa
from asr.runs.model_folder import TrainedModel, new_model
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from tests.commands import TINY, run
from tests.language_model.test_ngram import TEXT
from tests.tasks.transcribe.recognizers import transcribe


def test_the_command(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("\n".join(TEXT.upper().split("|")), encoding="utf-8")
    done = run("asr", "lm", text, "--order", 2, "--out", tmp_path / "lm.arpa", "--held-out", text)
    assert done.status == 0, done.err
    assert "2-grams" in done.err and "perplexity" in done.err and "0.00% of the words unknown" in done.err
    assert "cat" in read_arpa(tmp_path / "lm.arpa").words
    assert "asr lm takes TEXT files" in run("asr", "lm").error
    assert "no such file" in run("asr", "lm", tmp_path / "none.txt").error
    assert "--units tokens takes --run" in run("asr", "lm", text, "--units", "tokens").error


@pytest.fixture
def run_dir(tmp_path):
    """What a training leaves, so far as `asr lm` needs it; the dev transcripts hold a letter that train lacks."""
    from omegaconf import OmegaConf

    config = OmegaConf.to_container(load_configuration("train", [*TINY]), resolve=True)
    parts = {name: config[name] for name in ("features", "encoder")}
    task = transcribe(CharacterTokenizer(sorted(set(TEXT) - {"|"})))
    folder = tmp_path / "run"
    TrainedModel(new_model(parts, task, 8000), task, 8000, parts).save(folder / "model")
    (folder / "data").mkdir()
    for split, texts in {"train": TEXT.split("|"), "dev": ["the cat sat", "a zebra"]}.items():
        lines = [json.dumps({"supervisions": [{"text": text}]}) + "\n" for text in texts]
        (folder / "data" / f"{split}.jsonl.gz").write_bytes(gzip.compress("".join(lines).encode()))
    return folder


def test_of_a_runs_transcripts(run_dir, tmp_path):
    done = run("asr", "lm", "--run", run_dir, "--out", tmp_path / "lm.arpa")
    assert done.status == 0, done.err
    assert "dev transcripts: 1 lines hold words that the model cannot write: b z are not among" in done.err
    assert "20.00% of the words unknown (1 of 5)" in done.err
    assert len(read_arpa(tmp_path / "lm.arpa").orders) == 3


def test_of_a_runs_tokens(run_dir, tmp_path):
    (tmp_path / "text.txt").write_text("The CAT\n\n  \nthe zebra\n")
    done = run("asr", "lm", tmp_path / "text.txt", "--run", run_dir, "--units", "tokens", "--out", tmp_path / "lm.arpa")
    assert done.status == 0, done.err
    assert "text: 1 lines are left out: b z are not among" in done.err
    assert read_arpa(tmp_path / "lm.arpa").words[3:] == ["t", "h", "e", "▁", "c", "a"]


def test_nothing_but_empty_lines(tmp_path):
    (tmp_path / "text.txt").write_text("\n  \n…\n")
    assert "no text" in run("asr", "lm", tmp_path / "text.txt", "--out", tmp_path / "lm.arpa").error
