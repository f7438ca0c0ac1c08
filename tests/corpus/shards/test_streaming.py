"""asr shard and what is read from its shards: the same as from files, each reader its own part, from disk and HTTP."""

import io
import json
import tarfile
from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from asr.audio.recording import AudioProblem
from asr.corpus.batches import SpeechDataset
from asr.corpus.cuts import load_samples
from asr.corpus.shards.index import cuts_of
from asr.corpus.shards.streaming import WorkerStart
from asr.errors import UserError
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from asr.tasks.transcribe.text.encoding import TokenEncoding
from tests.commands import run, train
from tests.corpus.recordings import pair, reverberation_by_command, tone
from tests.corpus.shards.sharded import SHARD, FirstTimeRound, an_epoch, evaluate, loader_of, of_files, streamed


@pytest.mark.parametrize("place", ["disk", "http"])
def test_batches_hold_the_same_as_from_files(source, shards, served, place):
    files, stream = of_files(source), streamed(shards if place == "disk" else served)
    tokenizer = CharacterTokenizer.train([cut.supervisions[0].text for cut in files.splits["train"]])
    assert sorted(stream.splits["train"].targets()) == sorted(c.supervisions[0].text for c in files.splits["train"])
    assert stream.splits["train"].seconds == pytest.approx(sum(c.duration for c in files.splits["train"]), abs=0.01)
    found: dict[str, tuple] = {}
    loader = loader_of(stream, tokenizer)
    while len(found) < len(files.splits["train"]):
        found |= an_epoch(loader)
    for cut in files.splits["train"]:
        samples, tokens, text = found.pop(cut.id)
        expected = SpeechDataset(files.audio, TokenEncoding(tokenizer))[[cut]]
        assert (text, tokens) == (expected.texts[0], expected.target[0][0].tolist())
        exact = files.audio[cut.id].dtype == np.int16
        torch.testing.assert_close(samples, expected.waveform[0], rtol=0, atol=0 if exact else 2e-7)
    assert not found
    for split in ("dev", "test"):
        assert [cut.id for cut in stream.splits[split]] != []
        assert {cut.id for cut in stream.splits[split]} == {cut.id for cut in files.splits[split]}
        for cut in stream.splits[split]:
            assert len(stream.audio[cut.id]) == len(files.audio[cut.id])


def test_two_processes_and_their_workers_read_disjoint_shards_that_together_are_all(shards, monkeypatch):
    monkeypatch.setattr("asr.corpus.shards.streaming.SHUFFLE_BUFFER", 1)
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
    tokenizer = CharacterTokenizer.train(stream.splits["train"].targets())

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
    tokenizer = CharacterTokenizer.train(mixed.splits["train"].targets())
    dataset = SpeechDataset(mixed.audio, TokenEncoding(tokenizer))
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
    tokenizer = CharacterTokenizer.train(stream.targets())
    other = next(iter(stream.cuts(seed=2)))
    batch = SpeechDataset({}, TokenEncoding(tokenizer))[[cut, other]]
    assert batch.ids == [other.id]
    assert isinstance(batch.unreadable[cut.id], AudioProblem)
    with pytest.raises(UserError, match="cannot be decoded"):
        SpeechDataset({}, TokenEncoding(tokenizer))[[cut]]


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
