"""Sources and splits that cannot be trained on: one message, and status 2."""

import pytest

from tests.commands import train
from tests.tones import make_corpus


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
