"""Sharded corpora for the tests: opened, streamed, served."""

import http.server
from pathlib import Path

from torch.utils.data import IterableDataset, get_worker_info

from asr.corpus.batches import SpeechDataset
from asr.corpus.readers.detect import read_any
from asr.corpus.shards.index import sharded_corpora
from asr.corpus.shards.streaming import Stream, StreamLoader, streamed_corpus
from asr.tasks.transcribe.text.encoding import TokenEncoding
from asr.tasks.transcribe.text.normalise import TextNormalizer
from asr.tasks.transcribe.text.target import TranscriptTarget
from tests.commands import run
from tests.corpus.recordings import corpus

SHARD = {"cuts": "cuts.000000.jsonl.gz", "recording": "recording.000000.tar"}
TARGET_OF = TranscriptTarget(TextNormalizer(case="lower", punctuation="remove", apostrophes="keep"))


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
    return corpus(read_any(source), target_of=TARGET_OF, sample_rate=16000)


def streamed(*places: object, weights=None):
    source, *mix = map(str, places)
    return streamed_corpus(*sharded_corpora(source, mix, weights or []), TARGET_OF, None)


def evaluate(run_dir: Path, *arguments: object):
    return run("evaluate", f"run={run_dir}", *arguments)


def an_epoch(loader: StreamLoader) -> dict[str, tuple]:
    """{id: (samples, tokens)} of every utterance that one epoch's batches hold."""
    found = {}
    for batch in loader:
        for row, name in enumerate(batch.ids):
            samples = batch.waveform[row, : batch.lengths[row]]
            found[name] = (samples, batch.target[0][row, : batch.target[1][row]].tolist(), batch.texts[row])
    return found


def loader_of(corpus, tokenizer, workers=0, batch_seconds=4.0, seed=1) -> StreamLoader:
    return StreamLoader(
        corpus.splits["train"], SpeechDataset(corpus.audio, TokenEncoding(tokenizer)), batch_seconds, workers, seed
    )
