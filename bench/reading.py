"""Reading recordings for training, shard after shard beside file by file; prints JSON.

    python -m bench.reading [--rounds 3] data.source=PATH [train.py overrides]

Both decode every training utterance of PATH once, in batches of the same seconds, in this process, in turn.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median

from hydra.utils import instantiate
from rich.console import Console

from asr.configuration import exit_status, load_configuration
from asr.data.batches import SpeechDataset, training_batches
from asr.data.sharding import shard
from asr.data.shards import shards_at
from asr.data.source import load_with_progress, open_source
from asr.data.streaming import StreamLoader, streamed_corpus
from asr.text.characters import CharacterTokenizer


def speed(loader, sample_rate: int) -> float:
    """Audio seconds a second of one pass."""
    begun, seconds = time.perf_counter(), 0.0
    for batch in loader:
        seconds += float(batch.lengths.sum()) / sample_rate
    return seconds / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    arguments, overrides = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary, exit_status():
        config = load_configuration("train", overrides)
        data, normalize, folder = config.data, instantiate(config.text), Path(temporary) / "shards"
        fractions = {"dev_fraction": data.dev_fraction, "test_fraction": data.test_fraction}
        reader = instantiate(data.reader)
        shard(
            open_source(data.source, reader, tuple, None),
            folder,
            normalize=normalize,
            sample_rate=data.sample_rate,
            max_utterance_seconds=data.max_utterance_seconds,
            form="flac",
            size=500,
            on_progress=lambda done, total: None,
            **fractions,
        )
        files = load_with_progress(
            open_source(data.source, reader, tuple, None),
            Console(stderr=True),
            Path(temporary) / "rejected.jsonl",
            ("train", "dev", "test"),
            normalize=normalize,
            sample_rate=data.sample_rate,
            max_rejected=1.0,
            max_utterance_seconds=data.max_utterance_seconds,
            cache_gib=0,
            **fractions,
        )
        tokenizer = CharacterTokenizer.train([cut.supervisions[0].text for cut in files.splits["train"]])
        dataset = SpeechDataset({}, tokenizer)
        by_file = training_batches(files.splits["train"], dataset, data.batch_seconds, None, 0, config.seed)
        stream = streamed_corpus([shards_at(str(folder))], [None], normalize, None).splits["train"]
        by_shard = StreamLoader(stream, dataset, data.batch_seconds, 0, config.seed)
        next(iter(by_shard))  # fills its buffer
        figures: dict[str, list[float]] = {"files": [], "shards": []}
        for _ in range(arguments.rounds):
            figures["files"].append(speed(by_file, files.sample_rate))
            figures["shards"].append(speed(by_shard, files.sample_rate))
        print(
            json.dumps(
                {name: {"median": round(median(v)), "all": [round(x) for x in v]} for name, v in figures.items()}
            )
        )


if __name__ == "__main__":
    main()
