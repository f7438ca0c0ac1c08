"""Utterances to the manifests of a prepared corpus, part by part, so that a run that is cut off goes on."""

import gzip
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

from lhotse.cut import Cut

from asr.audio.recording import AudioProblem, open_audio
from asr.corpus.checking import rejection_of, usable_cores
from asr.corpus.cuts import make_cut
from asr.corpus.source import REJECTED
from asr.corpus.splits import Member, assign_splits
from asr.corpus.utterance import SPLITS, Rejection, Utterance
from asr.errors import UserError
from asr.writing import partial_folder, whole_file, write_whole, zipped_file

PART = 500  # utterances whose recordings are opened before they are written down
SEAL = "prepared.json"  # says what was made, and of what; the folder has it from its first moment


def prepare(
    utterances: Iterable[Utterance],
    target: Path,
    made_of: dict[str, Any],
    dev_fraction: float,
    test_fraction: float,
    on_progress: Callable[[int, int | None], None],
) -> dict[str, Any]:
    """Write cuts_train.jsonl.gz, cuts_dev…, cuts_test…, rejected.jsonl and prepared.json; returns the last one.

    Every recording is opened, none is decoded. The parts lie in TARGET.partial until all is there; then `target`
    appears in one move. The bytes depend on the source and on `made_of` alone. Raises UserError where nothing is left.
    """
    work = partial_folder(target)
    work.mkdir(parents=True, exist_ok=True)
    ordered = sorted(utterances, key=lambda utterance: utterance.id)
    parts = []
    for first in range(0, len(ordered), PART):
        parts.append(_part(ordered[first : first + PART], work))
        on_progress(min(first + PART, len(ordered)), len(ordered))
    members = [Member(line["cut"]["id"], line["speaker"], line["split"]) for line in _lines(parts) if "cut" in line]
    if not members:
        first_rejected = next(_lines(parts), None)
        why = f": {first_rejected['rejected']['id']}: {first_rejected['rejected']['detail']}" if first_rejected else ""
        raise UserError(f"{made_of['source']}: no utterance can be used{why}")
    assigned, note = assign_splits(members, dev_fraction, test_fraction)
    split_of = {member.id: split for member, split in zip(members, assigned, strict=True)}
    made = work / "made"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    counts = _write(parts, split_of, made)
    rejected = counts.pop(REJECTED, 0)
    summary = {**made_of, "note": note, "rejected": rejected, "splits": {s: counts[s] for s in SPLITS if s in counts}}
    write_whole(made / SEAL, json.dumps(summary, indent=1) + "\n")
    made.rename(target)
    shutil.rmtree(work)
    return summary


def _write(parts: Sequence[Path], split_of: Mapping[str, str], made: Path) -> dict[str, Any]:
    """Manifests and rejections into `made`; {split: its utterances and hours} and how many are rejected."""
    counts: dict[str, Any] = {}
    written: set[str] = set()
    with ExitStack() as stack:
        rejections = stack.enter_context(open(made / REJECTED, "w", encoding="utf-8"))
        manifests: dict[str, gzip.GzipFile] = {}
        for line in _lines(parts):
            rejected = line.get("rejected")
            if rejected is None and line["cut"]["id"] in written:
                cut = line["cut"]
                detail = ("duplicate_id", "another utterance has this id", "give every utterance its own id")
                rejected = asdict(
                    Rejection(cut["id"], cut["recording"]["sources"][0]["source"], line["split"], *detail)
                )
            if rejected is not None:
                rejections.write(json.dumps(rejected) + "\n")
                counts[REJECTED] = counts.get(REJECTED, 0) + 1
                continue
            cut = line["cut"]
            written.add(cut["id"])
            split = split_of[cut["id"]]
            if split not in manifests:
                manifests[split] = stack.enter_context(zipped_file(made / f"cuts_{split}.jsonl.gz"))
                counts[split] = {"utterances": 0, "hours": 0.0}
            manifests[split].write(json.dumps(cut).encode() + b"\n")
            counts[split]["utterances"] += 1
            counts[split]["hours"] += cut["duration"] / 3600
    return counts


def _lines(parts: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for part in parts:
        with gzip.open(part, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _part(utterances: Sequence[Utterance], work: Path) -> Path:
    """The file with the lines of one part, which may be there from an earlier run; its name says what it is made of."""
    key = blake2b("\n".join(map(repr, utterances)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    file = work / f"{key}.jsonl.gz"
    if not file.exists():
        with ThreadPoolExecutor(usable_cores()) as pool:
            lines = list(pool.map(_line, utterances))
        with whole_file(file) as part, zipped_file(part) as stream:
            stream.writelines(json.dumps(line).encode() + b"\n" for line in lines)
    return file


def _line(utterance: Utterance) -> dict[str, Any]:
    """{"cut", "speaker", "split"} of an utterance that can be used, else {"rejected"}."""
    found = cut_or_rejection(utterance)
    if isinstance(found, Rejection):
        return {"rejected": asdict(found)}
    return {"cut": found.to_dict(), "speaker": utterance.speaker, "split": utterance.split}


def cut_or_rejection(utterance: Utterance) -> Cut | Rejection:
    """An utterance as a cut at its recording's own rate, by the recording's header."""
    if utterance.rejection is not None:
        return utterance.rejection
    if (wrong := utterance.unwritable()) is not None:
        return utterance.rejection_for(*wrong)
    if not (utterance.text or "").strip():
        return utterance.rejection_for("transcript_empty", "nothing is written for it", "write down what is said")
    try:
        if utterance.audio is None:
            raise AudioProblem("audio_missing", "no recording is named", "name its audio file, or leave it out")
        with open_audio(utterance.audio, utterance.byte_range) as recording:
            first, last = recording.span(utterance.start, utterance.duration, utterance.channel)
            cut = make_cut(
                utterance,
                utterance.text or "",
                original_rate=recording.sample_rate,
                original_samples=recording.num_samples,
                channels=recording.channels,
                sample_rate=recording.sample_rate,
                duration=(last - first) / recording.sample_rate,
            )
    except AudioProblem as problem:
        return rejection_of(utterance, problem)
    cut.supervisions[0].speaker = utterance.speaker
    return cut
