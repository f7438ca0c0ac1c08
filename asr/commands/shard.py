"""`asr shard`: from a source to its sharded folder, with progress."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from asr.configuration.entry import exit_status
from asr.screen import console, progress_bar
from asr.writing import is_whole


class ShardFormat(StrEnum):
    flac = "flac"
    opus = "opus"


def shard(
    source: Annotated[str, typer.Argument(help="A corpus in any form of data.source.")],
    target: Annotated[Path, typer.Argument(help="The folder to make; it, or its URL, is what data.source takes.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Options of train.py that say how it is read: experiment=fsdd")
    ] = None,
    format: Annotated[ShardFormat, typer.Option(help="flac is exact; opus takes a tenth of it.")] = ShardFormat.flac,
    shard_size: Annotated[int, typer.Option(help="Utterances in a shard.", min=1)] = 1000,
) -> None:
    """Pack a corpus into shards that training reads from first byte to last, from disk or over HTTP."""
    with exit_status():
        run(source, target, overrides or [], format.value, shard_size)


def run(source: str, target: Path, overrides: Sequence[str], form: str, size: int) -> None:
    """Shard `source`, read as train.py with `overrides` would, into the folder `target`."""
    from hydra.utils import instantiate

    from asr.configuration.compose import load_configuration
    from asr.corpus.shards.packing import INDEX
    from asr.corpus.shards.packing import shard as pack
    from asr.corpus.source import REJECTED, open_source
    from asr.tasks.transcribe.text.target import TranscriptTarget

    config = load_configuration("train", [*overrides, f"data.source={source}"])
    target, screen = target.expanduser().absolute(), console()
    if is_whole(target, INDEX, "sharded corpus"):
        screen.print(f"{target}: sharded already; remove it to do it again", soft_wrap=True)
        return
    utterances = open_source(source, instantiate(config.data.reader), tuple, config.data.text)
    with progress_bar(screen, "sharding") as on_progress:
        index = pack(
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
