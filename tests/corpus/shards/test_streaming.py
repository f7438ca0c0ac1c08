"""asr shard and what is read from its shards: the same as from files, each reader its own part, from disk and HTTP."""

import functools
import http.server
import io
import json
import tarfile
import threading
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from asr.audio.recording import AudioProblem
from asr.corpus.batches import SpeechDataset
from asr.corpus.cuts import load_samples
from asr.corpus.readers.detect import read_any
from asr.corpus.shards.index import cuts_of, sharded_corpora
from asr.corpus.shards.streaming import Normalized, Stream, StreamLoader, WorkerStart, streamed_corpus
from asr.errors import UserError
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from asr.tasks.transcribe.text.normalise import TextNormalizer
from tests.commands import run, train
from tests.corpus.recordings import corpus, pair, record, reverberation_by_command, tone
from tests.killing import kill_and_go_on

SHARD = {"cuts": "cuts.000000.jsonl.gz", "recording": "recording.000000.tar"}
NORMALIZE = TextNormalizer(case="lower", punctuation="remove", apostrophes="keep")


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """48 recordings of twelve speakers, one of them at another rate and one that is no audio."""
    folder = tmp_path_factory.mktemp("speech")
    random = np.random.default_rng(0)
    for speaker in "abcdefghijkl":
        for number in range(4):
            seconds = 0.4 + 0.1 * number + 0.02 * (ord(speaker) - 97)
            noise = 0.01 * random.standard_normal(round(seconds * 16000)).astype(np.float32)
            samples = tone(seconds, 200 + 10 * number)
            pair(folder / speaker, f"{number}", f"Text {speaker} {number}", samples + noise[: len(samples)])
    record(folder / "a" / "1.wav", tone(0.5, rate=8000), rate=8000)
    (folder / "b" / "2.wav").write_bytes(b"no audio at all")
    return folder


@pytest.fixture(scope="module")
def shards(source, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("sharded") / "shards"
    done = run("asr", "shard", source, target, "--shard-size", 5)
    assert done.status == 0, done.err
    assert "cannot be used: 1, see" in done.err
    return target


@pytest.fixture
def served(shards):
    """The URL of the shards on a server of this machine."""
    handler = functools.partial(QuietHandler, directory=str(shards))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


class FirstTimeRound(IterableDataset):
    """(worker, utterance) for what a worker reads before its shards begin anew."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __iter__(self):
        seen: set[str] = set()
        for cut in self.stream.cuts(seed=1):
            if cut.id in seen:
                return
            seen.add(cut.id)
            yield get_worker_info().id, cut.id


def of_files(source: Path):
    return corpus(read_any(source), normalize=NORMALIZE, sample_rate=16000)


def streamed(*places: object, weights=None):
    source, *mix = map(str, places)
    data = OmegaConf.create({"source": source, "mix": mix, "weights": weights or []})
    return streamed_corpus(*sharded_corpora(data), NORMALIZE, None)


def evaluate(run_dir: Path, *arguments: object):
    return run("evaluate", f"run={run_dir}", *arguments)


def an_epoch(loader: StreamLoader) -> dict[str, tuple]:
    """{id: (samples, tokens)} of every utterance that one epoch's batches hold."""
    found = {}
    for batch in loader:
        for row, name in enumerate(batch.ids):
            samples = batch.waveform[row, : batch.lengths[row]]
            found[name] = (samples, batch.tokens[row, : batch.token_counts[row]].tolist(), batch.texts[row])
    return found


def loader_of(corpus, tokenizer, workers=0, batch_seconds=4.0, seed=1) -> StreamLoader:
    return StreamLoader(corpus.splits["train"], SpeechDataset(corpus.audio, tokenizer), batch_seconds, workers, seed)


@pytest.mark.parametrize("place", ["disk", "http"])
def test_batches_hold_the_same_as_from_files(source, shards, served, place):
    files, stream = of_files(source), streamed(shards if place == "disk" else served)
    tokenizer = CharacterTokenizer.train([cut.supervisions[0].text for cut in files.splits["train"]])
    assert sorted(stream.splits["train"].texts()) == sorted(c.supervisions[0].text for c in files.splits["train"])
    assert stream.splits["train"].seconds == pytest.approx(sum(c.duration for c in files.splits["train"]), abs=0.01)
    found: dict[str, tuple] = {}
    loader = loader_of(stream, tokenizer)
    while len(found) < len(files.splits["train"]):
        found |= an_epoch(loader)
    for cut in files.splits["train"]:
        samples, tokens, text = found.pop(cut.id)
        expected = SpeechDataset(files.audio, tokenizer)[[cut]]
        assert (text, tokens) == (expected.texts[0], expected.tokens[0].tolist())
        exact = files.audio[cut.id].dtype == np.int16
        torch.testing.assert_close(samples, expected.waveform[0], rtol=0, atol=0 if exact else 2e-7)
    assert not found
    for split in ("dev", "test"):
        assert [cut.id for cut in stream.splits[split]] != []
        assert {cut.id for cut in stream.splits[split]} == {cut.id for cut in files.splits[split]}
        for cut in stream.splits[split]:
            assert len(stream.audio[cut.id]) == len(files.audio[cut.id])


def test_two_processes_and_their_workers_read_disjoint_shards_that_together_are_all(shards, monkeypatch):
    monkeypatch.setattr("asr.corpus.shards.streaming.SHUFFLED", 1)
    stream = streamed(shards).splits["train"]
    readers = []
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "2")
        loader = DataLoader(
            FirstTimeRound(stream), batch_size=None, num_workers=2, worker_init_fn=WorkerStart(rank, 2, seed=1)
        )
        found: dict[int, list[str]] = {}
        for worker, name in loader:
            found.setdefault(worker, []).append(name)
        readers += found.values()
    assert len(readers) == 4
    read = [name for names in readers for name in names]
    assert len(read) == len(set(read)) == len(stream)


def test_the_order_follows_from_seed_and_epoch(shards):
    stream = streamed(shards)
    tokenizer = CharacterTokenizer.train(stream.splits["train"].texts())

    def order(seed: int, epoch: int) -> list[str]:
        loader = loader_of(stream, tokenizer, seed=seed)
        loader.set_epoch(epoch)
        return [name for batch in loader for name in batch.ids]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 3)
    assert order(1, 0) != order(2, 0)


def test_a_mixture_is_drawn_by_its_weights(source, shards, tmp_path):
    other = tmp_path / "other"
    for number in range(40):
        pair(tmp_path / "digits" / f"s{number % 8}", f"n{number}", "one two", tone(0.6))
    assert run("asr", "shard", tmp_path / "digits", other, "--shard-size", 4).status == 0
    stream = streamed(shards, other, weights=[3.0, 1.0])
    drawn: Counter[bool] = Counter()
    for cut, _ in zip(stream.splits["train"].cuts(seed=1), range(2000), strict=False):
        drawn["/n" in cut.id] += 1
    assert drawn[True] / drawn.total() == pytest.approx(0.25, abs=0.04)
    assert {cut.id for cut in stream.splits["test"]} > {cut.id for cut in streamed(shards).splits["test"]}


def test_corpora_that_share_ids_are_kept_apart(tmp_path):
    pitches = {"one": 200.0, "two": 800.0}
    for name, pitch in pitches.items():
        for number in range(24):
            pair(tmp_path / name / f"s{number % 8}", f"{number}", f"text {name}", tone(0.5, pitch))
        assert run("asr", "shard", tmp_path / name, tmp_path / f"{name}-shards", "--shard-size", 4).status == 0
    mixed = streamed(tmp_path / "one-shards", tmp_path / "two-shards")
    tokenizer = CharacterTokenizer.train(mixed.splits["train"].texts())
    dataset = SpeechDataset(mixed.audio, tokenizer)
    drawn = list(islice(mixed.splits["train"].cuts(seed=1), 100))
    held = [*mixed.splits["dev"], *mixed.splits["test"]]
    assert len({cut.id for cut in held}) == len(held) == len(mixed.audio)
    assert not {cut.id for cut in drawn} & {cut.id for cut in held}
    for cut in [*drawn, *held]:
        name = "two" if cut.id.startswith("mix1/") else "one"
        assert cut.supervisions[0].text == f"text {name}"
        samples = dataset[[cut]].waveform[0].numpy()
        assert np.abs(np.fft.rfft(samples)).argmax() * 16000 / len(samples) == pytest.approx(pitches[name], abs=2)
    assert {cut.id.startswith("mix1/") for cut in drawn} == {True, False}


def test_training_from_shards_by_path_and_by_url(shards, served, tmp_path):
    timed = {"real_time_factor": 0, "latency_s": 0}
    for name, place in (("disk", shards), ("http", served)):
        done = train(place, tmp_path / name, "data.workers=0", "data.batch_seconds=4")
        assert done.status == 0, done.err
        assert "read as training goes" in done.err
        metrics = json.loads((tmp_path / name / "metrics.json").read_text())
        assert metrics["test"]["utterances"] > 0
        assert 0 <= metrics["train"]["data_wait_share"] <= 1
        scored = evaluate(tmp_path / name)
        assert scored.status == 0, scored.err
        assert f"{place}: test read from shards" in scored.err
        again = json.loads((tmp_path / name / "evaluation" / "test" / "metrics.json").read_text())
        assert again["test"] | timed == metrics["test"] | timed
    assert evaluate(tmp_path / "disk", f"data.source={served}", "split=all", f"out_dir={tmp_path / 'all'}").status == 0
    every = json.loads((tmp_path / "all" / "metrics.json").read_text())["all"]["utterances"]
    splits = json.loads((shards / "shards.json").read_text())["splits"]
    assert every == sum(part["utterances"] for part in splits.values())
    assert "not an index of asr shard" in evaluate(tmp_path / "disk", f"data.source={served}/nowhere").error


def test_a_run_of_a_mixture_is_evaluated_on_the_mixture(shards, tmp_path):
    done = train(shards, tmp_path / "run", f"data.mix=['{shards}']", "data.weights=[1,2]", "data.batch_seconds=4")
    assert done.status == 0, done.err
    assert evaluate(tmp_path / "run").status == 0
    once = {cut.id for cut in streamed(shards).splits["test"]}
    lines = (tmp_path / "run" / "evaluation" / "test" / "hypotheses.jsonl").read_text().splitlines()
    assert {json.loads(line)["id"] for line in lines} == once | {f"mix1/{name}" for name in once}
    assert len(lines) == 2 * len(once)


def test_shards_that_were_damaged_afterwards_are_named(shards):
    stream = streamed(shards).splits["train"]
    cut = next(iter(stream.cuts(seed=1)))
    cut.recording.sources[0].source = b"fLaC and nothing of it"
    tokenizer = CharacterTokenizer.train(stream.texts())
    other = next(iter(stream.cuts(seed=2)))
    batch = SpeechDataset({}, tokenizer)[[cut, other]]
    assert batch.ids == [other.id]
    assert isinstance(batch.unreadable[cut.id], AudioProblem)
    with pytest.raises(UserError, match="cannot be decoded"):
        SpeechDataset({}, tokenizer)[[cut]]


def test_commands_in_strange_shards_are_not_run(shards, tmp_path):
    shard = {name: str(shards / "train" / file) for name, file in SHARD.items()}
    assert list(cuts_of(shard, pytest.fail))
    with tarfile.open(shard["recording"]) as archive:
        members = [(member.name, archive.extractfile(member).read()) for member in archive]
    shard["recording"] = str(tmp_path / "recording.000000.tar")
    with tarfile.open(shard["recording"], "w") as archive:
        for name, content in members:
            if name.endswith(".json"):
                effect = reverberation_by_command(f"touch {tmp_path / 'ran'}")
                content = json.dumps(json.loads(content) | {"transforms": [effect]}).encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    problems: list[str] = []
    assert [load_samples(cut) for cut in cuts_of(shard, problems.append)] == []
    assert "is not a recording that lies in the shard" in problems[0]
    assert not (tmp_path / "ran").exists()


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
    samples = SpeechDataset({}, CharacterTokenizer.train(stream.splits["train"].texts()))[[cut]].waveform[0]
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
    assert len(stream) == len(list(stream.texts()))
    bins = stream.duration_bins()
    assert bins == sorted(set(bins))
    assert Normalized(NORMALIZE, 8000)(next(iter(stream.cuts(1)))).sampling_rate == 8000
