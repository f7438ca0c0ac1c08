"""NeMo manifests: JSON lines with audio_filepath and, where wanted, text, offset, duration (seconds), speaker, labels.

https://docs.nvidia.com/nemo-framework/user-guide/latest/nemotoolkit/asr/datasets.html
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asr.corpus.readers.lines import absolute_path, numbered_lines, reject_not_utf8
from asr.corpus.splits import split_within
from asr.corpus.utterance import Utterance, kept_about

FORM = "a NeMo manifest (JSON lines with audio_filepath and text; or a folder of train*.json, dev*.json, test*.json)"
SUFFIXES = (".json", ".jsonl", ".ndjson")
OTHER_KEYS = (
    "audio_filepath",
    "text",
    "speaker",
    "offset",
    "duration",
    "id",
    "utt_id",
)  # all others are Utterance.about


def recognises(source: Path) -> bool:
    return any(_is_manifest(path) for path in _candidates(source))


def read(source: Path | str) -> Iterator[Utterance]:
    """Every line of a manifest, or of a folder's manifests with the splits that their names speak of."""
    source = Path(source)
    manifests = [path for path in _candidates(source) if _is_manifest(path)]
    for manifest in manifests:
        split = None if source.is_file() else split_within(manifest.stem)
        for number, line in numbered_lines(manifest):
            if line.strip():
                yield _utterance(manifest, number, line, split)


def _candidates(source: Path) -> list[Path]:
    """The file itself; of a folder, the manifests named for splits where there are any, else all."""
    if source.is_file():
        return [source]
    found = sorted(path for path in source.glob("*") if path.suffix.lower() in SUFFIXES) if source.is_dir() else []
    return [path for path in found if split_within(path.stem)] or found


def _is_manifest(path: Path) -> bool:
    """Whether one of the first lines is an object with audio_filepath."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return False
    for number, line in numbered_lines(path):
        if '"audio_filepath"' in line and line.lstrip().startswith("{"):
            return True
        if number >= 10:
            break
    return False


def _utterance(manifest: Path, number: int, line: str, split: str | None) -> Utterance:
    try:
        entry: Any = json.loads(line)
        name = entry["audio_filepath"]
        audio = absolute_path(Path(name), manifest.parent)
        start = float(entry.get("offset") or 0.0)
        duration = None if entry.get("duration") is None else float(entry["duration"])
        text, speaker = entry.get("text"), entry.get("speaker")
        end = math.inf if duration is None else start + duration
        if not (text is None or isinstance(text, str)) or not 0 <= start < end or duration == math.inf:
            raise ValueError("text must be a string, offset 0 or more, duration more than 0")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        broken = Utterance(f"{manifest.stem}-line-{number}", None, None, split=split)
        detail = f"{manifest}, line {number}: {what}"
        return broken.rejected("manifest_line", detail, "mend the line, or take it out")
    span = f"-{start:.3f}" if start else ""
    given = entry.get("id") or entry.get("utt_id")
    beside = Path(name).is_relative_to(manifest.parent)
    short = (Path(name).relative_to(manifest.parent) if beside else Path(name)).with_suffix("").as_posix()
    identity = str(given) if given else short.lstrip("/") + span
    utterance = Utterance(
        identity,
        audio,
        text,
        None if speaker is None else str(speaker),
        start=start,
        duration=duration,
        split=split,
        about=kept_about((key, value) for key, value in entry.items() if key not in OTHER_KEYS),
    )
    return reject_not_utf8(utterance, manifest, number)
