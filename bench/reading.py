"""Reading recordings for training, file by file beside decoded ones on disk and shards; prints JSON.

    python -m bench.reading [--rounds 3] data.source=PATH [train.py overrides]

All read every training utterance of PATH once, in batches of the same seconds, in this process, in turn: decoded from
their files, mapped from data.cache_dir, decoded from shards.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median

from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from asr.audio.recording import one_torch_thread
from asr.configuration.compose import load_configuration
from asr.configuration.entry import exit_status
from asr.corpus.batches import SpeechDataset, training_batches
from asr.corpus.corpus import Corpus
from asr.corpus.shards.index import shards_at
from asr.corpus.shards.packing import shard
from asr.corpus.shards.streaming import Stream, StreamLoader, streamed_corpus
from asr.corpus.source import load_with_progress, open_source
from asr.corpus.utterance import SPLITS
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from asr.tasks.transcribe.text.encoding import TokenEncoding
from asr.tasks.transcribe.text.target import TranscriptTarget


def speed(loader, sample_rate: int) -> float:
    """Audio seconds a second of one pass."""
    begun, seconds = time.perf_counter(), 0.0
    with one_torch_thread():  # as in the processes that read for a training
        for batch in loader:
            seconds += float(batch.lengths.sum()) / sample_rate
    return seconds / (time.perf_counter() - begun)


def read(config: DictConfig, cache: Path, rejected: Path) -> tuple[Corpus, float]:
    """The corpus with its decoded audio below `cache`, none of it in memory, and how many seconds that took."""
    data, begun = config.data, time.perf_counter()
    corpus = load_with_progress(
        open_source(data.source, instantiate(data.reader), tuple, None),
        Console(stderr=True),
        rejected,
        SPLITS,
        target_of=TranscriptTarget(instantiate(config.text)),
        sample_rate=data.sample_rate,
        dev_fraction=data.dev_fraction,
        test_fraction=data.test_fraction,
        max_rejected=1.0,
        max_utterance_seconds=data.max_utterance_seconds,
        cache_gib=0,
        cache_dir=str(cache),
    )
    return corpus, round(time.perf_counter() - begun, 1)


def sharded(config: DictConfig, folder: Path) -> Stream:
    """The training split of the same corpus as a stream of shards."""
    data, target_of = config.data, TranscriptTarget(instantiate(config.text))
    shard(
        open_source(data.source, instantiate(data.reader), tuple, None),
        folder,
        target_of=target_of,
        sample_rate=data.sample_rate,
        dev_fraction=data.dev_fraction,
        test_fraction=data.test_fraction,
        max_utterance_seconds=data.max_utterance_seconds,
        form="flac",
        size=500,
        on_progress=lambda done, total: None,
    )
    return streamed_corpus([shards_at(str(folder))], [None], target_of, None).splits["train"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    arguments, overrides = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary, exit_status():
        config, place = load_configuration("train", overrides), Path(temporary)
        seconds = config.data.batch_seconds
        corpus, first_s = read(config, place / "cache", place / "rejected.jsonl")
        corpus, again_s = read(config, place / "cache", place / "rejected.jsonl")
        cuts, rate = corpus.splits["train"], corpus.sample_rate
        tokenizer = CharacterTokenizer.train([cut.supervisions[0].text for cut in cuts])
        undecoded = SpeechDataset({}, TokenEncoding(tokenizer))
        in_memory = SpeechDataset(corpus.audio, undecoded.encode)
        loaders = {
            "files": training_batches(cuts, undecoded, seconds, None, 0, config.seed),
            "mapped": training_batches(cuts, in_memory, seconds, None, 0, config.seed),
            "shards": StreamLoader(sharded(config, place / "shards"), undecoded, seconds, 0, config.seed),
        }
        next(iter(loaders["shards"]))  # fills its buffer
        rounds = [{name: speed(loader, rate) for name, loader in loaders.items()} for _ in range(arguments.rounds)]
        found = {name: [round(each[name]) for each in rounds] for name in loaders}
        medians = {name: {"median": median(values), "all": values} for name, values in found.items()}
        print(json.dumps({**medians, "seconds_to_read_the_corpus": {"first": first_s, "again": again_s}}))


if __name__ == "__main__":
    main()
