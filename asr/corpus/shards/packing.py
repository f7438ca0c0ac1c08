"""`asr shard`: a corpus as lhotse Shar, tar files that are read from first byte to last, a manifest beside each.

https://lhotse.readthedocs.io/en/latest/shar.html
"""

import io
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from lhotse import MonoCut, Recording
from lhotse.audio import AudioSource
from lhotse.shar import TarWriter
from lhotse.utils import fastcopy

from asr.corpus.batches import as_float
from asr.corpus.checking import CheckedUtterance, UtteranceWithTarget, check_all, common_rate, with_targets
from asr.corpus.source import REJECTED, write_rejected
from asr.corpus.splits import Member, assign_splits, hash_fraction
from asr.corpus.utterance import SPLITS, Reading, Rejection, Utterance, UtteranceFacts
from asr.errors import UserError
from asr.writing import partial_folder, write_whole, zipped_file

INDEX = "shards.json"
FORMAT = "asr-shards-1"
OPUS = "opus"  # else flac
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)


def shard(
    utterances: Iterable[Utterance],
    target: Path,
    *,
    target_of: Callable[[UtteranceFacts], str],
    sample_rate: int | None,
    dev_fraction: float,
    test_fraction: float,
    max_utterance_seconds: float,
    form: str,
    size: int,
    on_progress: Callable[[int, int | None], None],
) -> dict[str, Any]:
    """Write every usable utterance into shards of `size`, decoded and checked once; returns the index.

    `form` is flac (16-bit recordings are kept exactly) or opus. Utterances are shuffled over the shards of their
    split by a hash of their names. What was done stays in TARGET.partial until all is there; then `target` appears in
    one move. Raises UserError where nothing can be used.
    """
    rejected: list[Rejection] = []
    note = utterances.note if isinstance(utterances, Reading) else ""
    targeted = with_targets(utterances, target_of, rejected)
    if not targeted:
        raise UserError("no utterance can be used" + (f": {rejected[0]}" if rejected else ""))
    rate = sample_rate or common_rate([item.utterance for item in targeted]) or 16000
    if form == OPUS and rate not in OPUS_RATES:
        raise UserError(f"Opus takes {', '.join(map(str, OPUS_RATES))} Hz, not {rate}; set data.sample_rate")
    members = [Member(item.utterance.id, item.utterance.speaker, item.utterance.split) for item in targeted]
    assigned, split_note = assign_splits(members, dev_fraction, test_fraction)
    parts: dict[str, list[UtteranceWithTarget]] = {split: [] for split in SPLITS}
    for item, split in zip(targeted, assigned, strict=True):
        parts[split].append(item)
    work = partial_folder(target)
    made, state = _work_folders(work, [targeted, assigned, rate, form, size, max_utterance_seconds])
    done = 0
    index: dict[str, Any] = {"format": FORMAT, "sample_rate": rate, "note": f"{note}; {split_note}", "splits": {}}
    for split, part in parts.items():
        part.sort(key=lambda item: (hash_fraction(item.utterance.id), item.utterance.id))
        shards = []
        for number, first in enumerate(range(0, len(part), size)):
            members_of_it = part[first : first + size]
            entry = _shard_once(members_of_it, made / split, number, state, rate, form, max_utterance_seconds)
            rejected += [Rejection(**each) for each in entry.pop("rejected")]
            if entry["utterances"]:
                shards.append(entry)
            done += len(members_of_it)
            on_progress(done, len(targeted))
        if shards:
            index["splits"][split] = summary(shards)
    if not index["splits"]:
        raise UserError(f"no utterance can be used: {rejected[0]}")
    index["rejected"] = len(rejected)
    write_rejected(made / REJECTED, rejected)
    write_whole(made / INDEX, json.dumps(index, indent=1) + "\n")
    made.rename(target)
    shutil.rmtree(work)
    return index


def summary(shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a split's shards hold together."""
    return {
        "utterances": sum(each["utterances"] for each in shards),
        "seconds": round(sum(each["seconds"] for each in shards), 3),
        "shards": [dict(each) for each in shards],
    }


def _work_folders(work: Path, plan: object) -> tuple[Path, Path]:
    """The folders of an earlier run with the same plan, or empty ones: what is made, and what is known of it."""
    key = blake2b(repr(plan).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    made, state = work / "made", work / "state"
    if not ((state / key).exists() and made.is_dir()):
        shutil.rmtree(work, ignore_errors=True)
        made.mkdir(parents=True)
        state.mkdir()
        (state / key).touch()
    return made, state


def _shard_once(
    part: Sequence[UtteranceWithTarget],
    folder: Path,
    number: int,
    state: Path,
    rate: int,
    form: str,
    max_seconds: float,
) -> dict[str, Any]:
    """What `_write_shard` says, which an earlier run may have written down already."""
    record = state / f"{folder.name}.{number:06d}.json"
    if not record.exists():
        write_whole(record, json.dumps(_write_shard(part, folder, number, rate, form, max_seconds)))
    return json.loads(record.read_text(encoding="utf-8"))


def _write_shard(
    part: Sequence[UtteranceWithTarget], folder: Path, number: int, rate: int, form: str, max_seconds: float
) -> dict[str, Any]:
    """One manifest and one tar file; {"cuts", "recording", "utterances", "seconds", "rejected"}."""
    folder.mkdir(exist_ok=True)
    cuts, recording = folder / f"cuts.{number:06d}.jsonl.gz", folder / f"recording.{number:06d}.tar"
    rejected, count, seconds = [], 0, 0.0
    with zipped_file(cuts) as manifest, TarWriter(str(recording), None) as archive:
        for checked in check_all(part, rate, max_seconds, None):
            if checked.rejection is not None:
                rejected.append(asdict(checked.rejection))
                continue
            assert checked.samples is not None
            cut = _cut(checked, rate)
            archive.write(f"{cut.id}.{form}", io.BytesIO(encoded(checked.samples, rate, form)))
            described = json.dumps(cut.recording.to_dict()).encode() + b"\n"
            archive.write(f"{cut.id}.json", io.BytesIO(described), count=False)
            manifest.write(json.dumps(cut.to_dict(), ensure_ascii=False).encode() + b"\n")
            count, seconds = count + 1, seconds + cut.duration
    if not count:
        cuts.unlink()
    names = {"cuts": f"{folder.name}/{cuts.name}", "recording": f"{folder.name}/{recording.name}"}
    return {**names, "utterances": count, "seconds": round(seconds, 3), "rejected": rejected}


def _cut(checked: CheckedUtterance, rate: int) -> MonoCut:
    """The cut as Shar keeps it: whole, mono, its recording's bytes in the tar file."""
    assert checked.cut is not None and checked.samples is not None
    utterance, samples = checked.utterance, len(checked.samples)
    duration = samples / rate
    if str(Path(utterance.id)) != utterance.id:
        raise UserError(f"{utterance.id}: cannot be a name in a tar file; rename the utterance")
    placeholder = Recording(
        id=utterance.id,
        sources=[AudioSource("shar", channels=[0], source="")],
        sampling_rate=rate,
        num_samples=samples,
        duration=duration,
    )
    supervision = fastcopy(
        checked.cut.supervisions[0],
        duration=duration,
        channel=0,
        text=utterance.text,
        speaker=utterance.speaker,
        custom=dict(utterance.about) or None,
    )
    return MonoCut(
        utterance.id, start=0.0, duration=duration, channel=0, supervisions=[supervision], recording=placeholder
    )


def encoded(samples: np.ndarray, rate: int, form: str) -> bytes:
    """Samples (S,), int16 or float32, as a FLAC file (16 bits where that is exact, else 24) or as Ogg Opus."""
    file = io.BytesIO()
    if form == OPUS:
        soundfile.write(file, as_float(samples), rate, format="OGG", subtype="OPUS")
    else:
        exact = samples.dtype == np.int16
        soundfile.write(file, samples, rate, format="FLAC", subtype="PCM_16" if exact else "PCM_24")
    return file.getvalue()
