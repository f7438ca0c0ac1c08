"""Sharded corpora, as `asr shard` made them: their indexes, and the cuts of a shard, from a folder or over HTTP."""

import gzip
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lhotse import CutSet
from lhotse.cut import Cut
from lhotse.serialization import open_best

from asr.corpus.shards.packing import FORMAT, INDEX
from asr.corpus.source import URL
from asr.errors import UserError, one_line

NAME = re.compile(r"(train|dev|test)/(cuts\.\d{6}\.jsonl\.gz|recording\.\d{6}\.tar)")
KEYS = ("cuts", "recording")  # what an index names of every shard


@dataclass(frozen=True)
class Shards:
    """One sharded corpus: where its index lies (a folder or a URL), what that says, and what ids get before them."""

    base: str
    sample_rate: int
    splits: Mapping[str, Mapping[str, Any]]
    prefix: str = ""

    def shards(self, split: str) -> list[dict[str, str]]:
        """{"cuts": …, "recording": …} for every shard: where its files lie."""
        found = self.splits.get(split, {}).get("shards", [])
        return [{name: f"{self.base}/{shard[name]}" for name in KEYS} for shard in found]


def shards_at(source: str | None) -> Shards | None:
    """The sharded corpus at a folder or a URL; None where it is anything else.

    Raises UserError where a URL has none, or where an index is not one of ours.
    """
    if source is None:
        return None
    base = source.rstrip("/") if URL.match(source) else str(Path(source).expanduser().absolute())
    place = f"{base}/{INDEX}"
    if not URL.match(base) and not Path(place).is_file():
        return None
    try:
        with open_best(place, "r") as file:
            index = json.load(file)
        if index["format"] != FORMAT:
            raise ValueError(f"its format is {index['format']}")
        found = Shards(base, int(index["sample_rate"]), index["splits"])
        names = [shard[key] for split in found.splits.values() for shard in split["shards"] for key in KEYS]
        if not names or not all(isinstance(name, str) and NAME.fullmatch(name) for name in names):
            raise ValueError("it names files that asr shard does not write")
        for part in found.splits.values():
            counts = (part["utterances"], part["seconds"])
            if not all(isinstance(count, int | float) and 0 < count < math.inf for count in counts):
                raise ValueError(f"it counts {counts[0]} utterances, {counts[1]} seconds")
    except Exception as error:  # a server, a proxy and a stranger's file may answer in any way
        raise UserError(f"{place}: not an index of asr shard: {one_line(error)[:200]}") from error
    return found


def sharded_corpora(
    source: str | None, mix: Sequence[str] = (), weights: Sequence[float] = ()
) -> tuple[list[Shards], list[float | None]] | None:
    """The sharded corpora that data.source and data.mix name, and data.weights; None where data.source is no such one.

    Ids of the first one of data.mix begin with mix1/, and so on: several corpora may have the same.
    Raises UserError where one of several is not sharded, or where the weights are not as many.
    """
    first = shards_at(source)
    if first is None:
        if mix:
            raise UserError("data.mix mixes sharded corpora: make data.source one too (asr shard SOURCE TARGET)")
        return None
    corpora: list[Shards] = [first]
    for number, other in enumerate(mix, start=1):
        if (shards := shards_at(other)) is None:
            raise UserError(f"data.mix: {other} has no {INDEX}; make it with asr shard SOURCE TARGET")
        corpora.append(replace(shards, prefix=f"mix{number}/"))
    given: list[float | None] = list(weights) or [None] * len(corpora)
    if len(given) != len(corpora):
        raise UserError(f"data.weights has {len(given)} numbers for {len(corpora)} corpora, data.source the first")
    return corpora, given


def open_lines(place: str):
    """Lines of a compressed manifest, from a file or over HTTP."""
    if URL.match(place):
        return open_best(place, "r")
    return gzip.open(place, "rt", encoding="utf-8")


def cuts_of(shard: dict[str, str], on_damage: Callable[[str], None]) -> Iterator[Cut]:
    """The cuts of a shard with their recordings, up to where it is damaged, or is none that `asr shard` writes."""
    try:
        for cut in CutSet.from_shar(fields={name: [place] for name, place in shard.items()}):
            recording = getattr(cut, "recording", None)
            if recording is None or recording.transforms or [each.type for each in recording.sources] != ["memory"]:
                raise ValueError(f"{cut.id} is not a recording that lies in the shard")  # lhotse would run commands
            if [type(said.text) for said in cut.supervisions] != [str]:
                raise ValueError(f"{cut.id} has not one transcript")
            yield cut
    except Exception as error:  # whatever gzip, tarfile, json, lhotse and HTTP raise
        on_damage(f"{shard['recording']}: cannot be read to its end, the rest is left out ({one_line(error)[:200]})")
