"""Shards as they are made, made again, and opened: `asr shard` and its index."""

import pytest

from asr.corpus.batches import SpeechDataset
from asr.corpus.shards.streaming import SetTarget, Stream
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from asr.tasks.transcribe.text.encoding import TokenEncoding
from tests.commands import run, train
from tests.corpus.shards.sharded import TARGET_OF, streamed
from tests.killing import kill_and_go_on


def test_again_it_is_left_alone(source, shards):
    before = {path: path.read_bytes() for path in shards.rglob("*") if path.is_file()}
    again = run("asr", "shard", source, shards)
    assert (again.status, "sharded already" in again.err) == (0, True)
    assert {path: path.read_bytes() for path in shards.rglob("*") if path.is_file()} == before


def test_killed_at_random_moments_and_continued_it_is_the_same(source, shards, tmp_path):
    slow = (  # every recording takes its time
        "import time, asr.configuration.compose, asr.corpus.source, asr.corpus.readers.detect\n"
        "from asr.corpus.shards import packing; encoded = packing.encoded\n"
        "packing.encoded = lambda *how: (time.sleep(0.06), encoded(*how))[1]\n"
    )
    kill_and_go_on(shards, slow, "shard", "--shard-size", 5, source, tmp_path / "target")


def test_opus(source, tmp_path):
    done = run("asr", "shard", source, tmp_path / "opus", "--format", "opus")
    assert done.status == 0, done.err
    stream = streamed(tmp_path / "opus")
    cut = next(iter(stream.splits["train"].cuts(seed=1)))
    samples = SpeechDataset({}, TokenEncoding(CharacterTokenizer.train(stream.splits["train"].targets())))[
        [cut]
    ].waveform[0]
    assert len(samples) == cut.num_samples
    assert samples.abs().max() > 0.1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "not an index of asr shard"),
        ('{"format": "other"}', "its format is other"),
        (
            '{"format": "asr-shards-1", "sample_rate": 1, "splits": {"train": {"shards": [{"cuts": "../../x"}]}}}',
            "not an",
        ),
        (
            '{"format": "asr-shards-1", "sample_rate": 1, "splits": {"train": {"shards": '
            '[{"cuts": "pipe:touch x", "recording": "train/recording.000000.tar"}]}}}',
            "names files that asr shard does not write",
        ),
    ],
)
def test_an_index_that_is_not_ours(tmp_path, content, message):
    (tmp_path / "shards.json").write_text(content)
    assert message in train(tmp_path, tmp_path / "run").error


def test_asked_wrongly(source, shards, tmp_path):
    assert "is no sharded corpus" in run("asr", "shard", source, source).error
    assert (
        "Opus takes" in run("asr", "shard", source, tmp_path / "x", "data.sample_rate=11025", "--format", "opus").error
    )
    assert "has no shards.json" in train(shards, tmp_path / "run", f"data.mix=['{source}']").error
    assert "2 numbers for 1 corpora" in train(shards, tmp_path / "two", "data.weights=[1,2]").error
    assert "make data.source one too" in train(source, tmp_path / "three", f"data.mix=['{shards}']").error
    assert "not an index" in train("http://127.0.0.1:9/nothing", tmp_path / "four").error


def test_a_stream_says_what_it_holds(shards):
    stream = streamed(shards).splits["train"]
    assert isinstance(stream, Stream)
    assert len(stream) == len(list(stream.targets()))
    bins = stream.duration_bins()
    assert bins == sorted(set(bins))
    assert SetTarget(TARGET_OF, 8000)(next(iter(stream.cuts(1)))).sampling_rate == 8000
