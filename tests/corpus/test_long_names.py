"""A name that is longer than any file's is a recording that is missing, in every reader of tables and manifests."""

import pytest

from asr.corpus.corpus import CorpusError
from asr.corpus.readers.detect import read_any
from tests.corpus.recordings import corpus, record, tone, write_lines

LONG = "a" * 5000 + ".wav"


def table(root):
    write_lines(root / "train.tsv", "path\tsentence", "a.wav\tla la", f"{LONG}\tla la")


def labels(root):
    write_lines(root / "train.tsv", "path\temotion", f"{LONG}\tglad", "a.wav\tsad")


def kaldi(root):
    write_lines(root / "train" / "wav.scp", "a ../a.wav", f"b {LONG}")
    write_lines(root / "train" / "text", "a la la", "b la la")


def nemo(root):
    write_lines(root / "train.jsonl", *({"audio_filepath": name, "text": "la la"} for name in ("a.wav", LONG)))


@pytest.mark.parametrize("form", [table, labels, kaldi, nemo])
def test_it_is_named_and_the_others_are_read(form, tmp_path):
    record(tmp_path / "a.wav", tone(2.0))
    form(tmp_path)
    read = list(read_any(tmp_path))
    assert len(read) == 2
    with pytest.raises(CorpusError, match="1 usable utterances are too few") as told:
        corpus(read, target_of=lambda known: "la la")
    (rejected,) = told.value.rejected
    assert rejected.reason == "audio_unreadable" and "name too long" in rejected.detail.lower()
