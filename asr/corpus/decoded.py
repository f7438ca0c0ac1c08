"""Decoded recordings on disk, for a corpus that memory does not hold: checked once, by this run or an earlier one.

CACHE_DIR/<hash of the corpus>/ holds `samples`, one after another as they are laid into batches, `outcomes.jsonl.gz`, a
line an utterance, and last of all `digests.json`, by which damage is told.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from lhotse.serialization import deserialize_item

from asr.corpus.checking import CheckedUtterance, Progress, UtteranceWithTarget, check_all
from asr.corpus.readers.lines import manifest_lines
from asr.corpus.utterance import Rejection, Seconds
from asr.errors import UserError
from asr.writing import whole_file, write_whole, zipped_file

SAMPLES, OUTCOMES, DIGESTS = "samples", "outcomes.jsonl.gz", "digests.json"
ALIGNMENT = 4  # bytes


def check_with_cache(
    targeted: Sequence[UtteranceWithTarget],
    sample_rate: int,
    max_seconds: Seconds,
    on_progress: Progress | None,
    cache: Path,
) -> tuple[Iterator[CheckedUtterance], str]:
    """What `check_all` finds, its samples mapped from below `cache`, and a note that says whether they lay there."""
    folder = cache.expanduser().absolute() / _cache_key(targeted, sample_rate, max_seconds)
    there = (folder / DIGESTS).is_file()
    if there and _is_intact(folder):
        return _read_cache(targeted, folder), f"decoded audio is read from {folder}"
    _write_cache(check_all(targeted, sample_rate, max_seconds, on_progress), folder)
    why = ", which was damaged; it is mended" if there else ""
    return _read_cache(targeted, folder), f"decoded audio is kept in {folder}{why}"


def _cache_key(targeted: Sequence[UtteranceWithTarget], sample_rate: int, max_seconds: Seconds) -> str:
    """Another one whenever an utterance, its recording's size or time, or what is made of it differs."""
    key = hashlib.blake2b(f"{sample_rate} {max_seconds}".encode(), digest_size=16)
    for item in targeted:
        key.update(f"{item} {_size_and_time(item.utterance.audio)}\n".encode("utf-8", "surrogatepass"))
    return key.hexdigest()


def _size_and_time(path: Path | None) -> tuple[int, int] | None:
    try:
        found = os.stat(path) if path is not None else None
    except (OSError, ValueError):
        return None
    return (found.st_size, found.st_mtime_ns) if found is not None else None


def _write_cache(outcomes: Iterable[CheckedUtterance], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        raise UserError(f"data.cache_dir: {folder.parent}: {error.strerror}; name a folder that can be made") from error
    (folder / DIGESTS).unlink(missing_ok=True)
    with (
        whole_file(folder / OUTCOMES) as lines_file,
        zipped_file(lines_file) as lines,
        whole_file(folder / SAMPLES) as samples_file,
        open(samples_file, "wb") as samples,
    ):
        for checked in outcomes:
            lines.write(json.dumps(_outcome_as_json(checked, samples.tell())).encode() + b"\n")
            if checked.samples is not None:
                samples.write(checked.samples.tobytes())
                samples.write(b"\0" * (-samples.tell() % ALIGNMENT))
    write_whole(folder / DIGESTS, json.dumps(_digests(folder)) + "\n")


def _outcome_as_json(checked: CheckedUtterance, offset: int) -> dict:
    """An outcome as JSON; `offset` in bytes is where its samples begin."""
    if checked.cut is None or checked.samples is None:
        assert checked.rejection is not None
        return {"rejection": asdict(checked.rejection)}
    return {
        "cut": checked.cut.to_dict(),
        "original_rate": checked.original_rate,
        "channels": checked.channels,
        "offset": offset,
        "bytes": checked.samples.nbytes,
        "type": checked.samples.dtype.str,
    }


def _read_cache(targeted: Sequence[UtteranceWithTarget], folder: Path) -> Iterator[CheckedUtterance]:
    samples = np.zeros(0, np.uint8)
    if (folder / SAMPLES).stat().st_size:
        samples = np.memmap(folder / SAMPLES, np.uint8, mode="c")  # torch takes no arrays that cannot be written to
    for item, (_, line) in zip(targeted, manifest_lines(folder / OUTCOMES), strict=True):
        found = json.loads(line)
        if "rejection" in found:
            yield CheckedUtterance(item.utterance, rejection=Rejection(**found["rejection"]))
            continue
        mapped = samples[found["offset"] : found["offset"] + found["bytes"]].view(found["type"])
        cut = deserialize_item(found["cut"])
        yield CheckedUtterance(item.utterance, cut, mapped, found["original_rate"], found["channels"])


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for name in (SAMPLES, OUTCOMES):
        with open(folder / name, "rb") as file:
            found[name] = hashlib.file_digest(file, "blake2b").hexdigest()
    return found


def _is_intact(folder: Path) -> bool:
    try:
        return json.loads((folder / DIGESTS).read_text(encoding="utf-8")) == _digests(folder)
    except (OSError, ValueError):
        return False
