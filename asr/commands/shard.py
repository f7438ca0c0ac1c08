"""`asr shard`: from a source to its sharded folder, with progress."""

from collections.abc import Sequence
from pathlib import Path

from hydra.utils import instantiate

from asr.configuration.compose import load_configuration
from asr.corpus.shards.packing import INDEX, shard
from asr.corpus.source import REJECTED, open_source
from asr.screen import console, counting
from asr.tasks.transcribe.text.target import TranscriptTarget
from asr.writing import is_whole


def run(source: str, target: Path, overrides: Sequence[str], form: str, size: int) -> None:
    """Shard `source`, read as train.py with `overrides` would, into the folder `target`."""
    config = load_configuration("train", [*overrides, f"data.source={source}"])
    target, screen = target.expanduser().absolute(), console()
    if is_whole(target, INDEX, "sharded corpus"):
        screen.print(f"{target}: sharded already; remove it to do it again", soft_wrap=True)
        return
    utterances = open_source(source, instantiate(config.data.reader), tuple, config.data.text)
    with counting(screen, "sharding") as on_progress:
        index = shard(
            utterances,
            target,
            target_of=TranscriptTarget(instantiate(config.text)),
            sample_rate=config.data.sample_rate,
            dev_fraction=config.data.dev_fraction,
            test_fraction=config.data.test_fraction,
            max_utterance_seconds=config.data.max_utterance_seconds,
            form=form,
            size=size,
            on_progress=on_progress,
        )
    for split, part in index["splits"].items():
        hours = part["seconds"] / 3600
        screen.print(f"{split}: {part['utterances']} utterances, {hours:.2f} hours, {len(part['shards'])} shards")
    if index["rejected"]:
        screen.print(f"cannot be used: {index['rejected']}, see {target / REJECTED}", soft_wrap=True)
    screen.print(f"{index['note']}\npython train.py data.source={target}", soft_wrap=True)
