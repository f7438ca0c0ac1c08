"""Drawing batches from corpora of growing size: time to the first batch, memory, padding; prints a JSON line each.

    python -m bench.sampling [--utterances 10000 100000 300000 1000000] [--batches 200] [--plot bench/sampling.svg]
        data.source=PATH [train.py overrides]

A thousand recordings of PATH are sharded once; the larger corpora are an index that names this shard as often as it
takes. Every size runs in a process of its own, from its start to the last batch, the imports included.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

BEGUN = time.monotonic()
INK, LINE = "#808890", "#3d8bd9"  # legible on white and on black


def sharded_once(folder: Path, overrides: list[str]) -> dict:
    """A shard of up to a thousand utterances of the source below `folder`, and its index."""
    from hydra.utils import instantiate

    from asr.configuration.compose import load_configuration
    from asr.corpus.shards.packing import INDEX, shard
    from asr.corpus.source import open_source
    from asr.tasks.transcribe.text.target import TranscriptTarget

    config = load_configuration("train", overrides)
    found = open_source(config.data.source, instantiate(config.data.reader), tuple, None)
    shard(
        [utterance for utterance in found if utterance.split != "test"][:1100],
        folder,
        target_of=TranscriptTarget(instantiate(config.text)),
        sample_rate=config.data.sample_rate,
        dev_fraction=0.05,
        test_fraction=0.05,
        max_utterance_seconds=config.data.max_utterance_seconds,
        form="flac",
        size=1000,
        on_progress=lambda done, total: None,
    )
    return json.loads((folder / INDEX).read_text())


def grown(index: dict, utterances: int) -> dict:
    """The index of a corpus with so many utterances, its shards all the same one."""
    train = index["splits"]["train"]
    times = max(1, round(utterances / train["utterances"]))
    return {
        **index,
        "splits": {
            **index["splits"],
            "train": {
                "utterances": times * train["utterances"],
                "seconds": times * train["seconds"],
                "shards": times * train["shards"],
            },
        },
    }


def draw(folder: Path, batches: int) -> dict:
    """Open the corpus as train.py does, learn the characters, and draw batches."""
    from hydra.utils import instantiate

    from asr.configuration.compose import load_configuration
    from asr.corpus.batches import SpeechDataset
    from asr.corpus.shards.index import sharded_corpora
    from asr.corpus.shards.streaming import StreamLoader, streamed_corpus
    from asr.tasks.transcribe.text.characters import CharacterTokenizer
    from asr.tasks.transcribe.text.encoding import TokenEncoding
    from asr.tasks.transcribe.text.target import TranscriptTarget

    config = load_configuration("train", [f"data.source={folder}"])
    data = config.data
    corpora = sharded_corpora(data.source, data.mix, data.weights)
    corpus = streamed_corpus(*corpora, TranscriptTarget(instantiate(config.text)), None)
    stream = corpus.splits["train"]
    dataset = SpeechDataset(corpus.audio, TokenEncoding(CharacterTokenizer.train(stream.targets())))
    loader = iter(StreamLoader(stream, dataset, data.batch_seconds, 0, seed=1))
    first = next(loader)
    to_first, computed = time.monotonic() - BEGUN, time.process_time()
    begun = time.monotonic()
    seconds, room, drawn = 0.0, 0, [first]
    for batch in islice(loader, batches - 1):
        drawn.append(batch)
        seconds += float(batch.lengths.sum()) / corpus.sample_rate
        room += batch.waveform.numel()
        drawn = drawn[-1:]
    elapsed = time.monotonic() - begun
    return {
        "utterances": len(stream),
        "hours": round(stream.seconds / 3600, 1),
        "first_batch_s": round(to_first, 2),
        "first_batch_processor_s": round(computed, 2),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "padding": round(1 - seconds * corpus.sample_rate / room, 4),
        "audio_seconds_per_second": round(seconds / elapsed),
        "batches": batches,
    }


def plot(measured: list[dict], path: Path) -> None:
    """What it costs over the number of utterances, on any background."""
    import matplotlib
    from matplotlib.figure import Figure

    panels = {
        "seconds to the first batch": [each["first_batch_s"] for each in measured],
        "peak memory, MiB": [each["peak_memory_mib"] for each in measured],
        "padding, %": [100 * each["padding"] for each in measured],
    }
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": path.name, "font.size": 9}):
        figure = Figure(figsize=(8.4, 2.3), layout="constrained")
        for axes, (title, values) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
            axes.semilogx([each["utterances"] for each in measured], values, "o-", color=LINE)
            axes.set_ylim(0, 1.3 * max(values))
            axes.set_title(title, color=INK, size=9)
            axes.set_xlabel("utterances", color=INK)
            axes.tick_params(colors=INK, which="both")
            axes.set_facecolor("none")
            axes.spines[["top", "right"]].set_visible(False)
            axes.spines[["left", "bottom"]].set_color(INK)
        figure.savefig(path, transparent=True, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, nargs="+", default=[10_000, 100_000, 300_000, 1_000_000])
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--plot", type=Path, help="an SVG file")
    parser.add_argument("--draw", type=Path, help=argparse.SUPPRESS)
    arguments, overrides = parser.parse_known_args()
    if arguments.draw:
        print(json.dumps(draw(arguments.draw, arguments.batches)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "shards"
        index = sharded_once(folder, overrides)
        measured = []
        for utterances in arguments.utterances:
            (folder / "shards.json").write_text(json.dumps(grown(index, utterances)))
            command = [sys.executable, "-m", "bench.sampling", "--draw", folder, "--batches", str(arguments.batches)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            print(done.stdout.strip(), flush=True)
            measured.append(json.loads(done.stdout))
    if arguments.plot:
        plot(measured, arguments.plot)


if __name__ == "__main__":
    main()
