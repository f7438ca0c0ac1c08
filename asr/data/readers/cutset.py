"""lhotse CutSets as JSON lines: cuts.jsonl.gz, or a folder with several, such as corpus_cuts_train.jsonl.gz.

https://lhotse.readthedocs.io/en/latest/cuts.html
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from lhotse import MonoCut, MultiCut, Recording
from lhotse.cut import Cut
from lhotse.serialization import deserialize_item

from asr.data.readers.lines import located
from asr.data.splits import split_within
from asr.data.utterance import Utterance

FORM = "a lhotse CutSet (cuts.jsonl or .jsonl.gz; or a folder of *cuts*train*.jsonl.gz, ...)"
SUFFIXES = (".jsonl", ".jsonl.gz")
TYPES = ("MonoCut", "MultiCut", "MixedCut", "PaddingCut")
SAVE_AUDIO = "write it to files first (CutSet.save_audios) and use the CutSet that this gives"


def recognises(source: Path) -> bool:
    return any(_is_manifest(path) for path in _candidates(source))


def read(source: Path | str) -> Iterator[Utterance]:
    """Every supervision of every cut; in a folder, the splits that the manifests' names speak of."""
    source = Path(source)
    for manifest in (path for path in _candidates(source) if _is_manifest(path)):
        split = None if source.is_file() else split_within(manifest.name)
        with _open(manifest) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield from _utterances(manifest, number, line, split)


def _candidates(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    found = sorted(path for path in source.glob("*") if path.name.endswith(SUFFIXES)) if source.is_dir() else []
    return [path for path in found if split_within(path.name)] or found


def _open(manifest: Path):
    opener = gzip.open if manifest.name.endswith(".gz") else open
    return opener(manifest, "rt", encoding="utf-8", errors="replace")


def _is_manifest(path: Path) -> bool:
    if not path.name.endswith(SUFFIXES):
        return False
    try:
        with _open(path) as lines:
            return json.loads(next(lines, "null")).get("type") in TYPES
    except (OSError, ValueError, AttributeError):
        return False


def _utterances(manifest: Path, number: int, line: str, split: str | None) -> Iterator[Utterance]:
    try:
        cut = deserialize_item(json.loads(line))
    except Exception as error:  # lhotse raises whatever its constructors do
        broken = Utterance(f"{manifest.name.split('.')[0]}-line-{number}", None, None, split=split)
        detail = f"{manifest}, line {number}: not a cut ({error})"
        yield broken.rejected("manifest_line", detail, "mend the line, or take it out")
        return
    yield from utterances_of(cut, split, manifest.parent)


def utterances_of(cut: Cut, split: str | None, folder: Path) -> Iterator[Utterance]:
    """One utterance for every supervision of a cut; `folder` is what its relative paths may be relative to."""
    if len(cut.supervisions) > 1 and isinstance(cut, (MonoCut, MultiCut)):
        for part in cut.trim_to_supervisions(keep_overlapping=False):
            if part.supervisions:
                part.id = part.supervisions[0].id
                yield _utterance(part, split, folder)
        return
    yield _utterance(cut, split, folder)


def _utterance(cut: Cut, split: str | None, folder: Path) -> Utterance:
    supervision = cut.supervisions[0] if len(cut.supervisions) == 1 else None
    text = supervision.text if supervision else None
    speaker = supervision.speaker if supervision else None
    utterance = Utterance(cut.id, None, text, speaker, split=split)
    if not isinstance(cut, (MonoCut, MultiCut)) or cut.recording is None:
        detail = f"a {type(cut).__name__} without a recording of its own"
        return utterance.rejected("audio_unreadable", detail, SAVE_AUDIO)
    return _placed(utterance, cut, cut.recording, folder)


def _placed(utterance: Utterance, cut: MonoCut | MultiCut, recording: Recording, folder: Path) -> Utterance:
    """The utterance with where its audio lies; rejected where a path and a time span cannot say it."""
    channels = [cut.channel] if isinstance(cut.channel, int) else list(cut.channel)
    sources = [source for source in recording.sources if set(channels) <= set(source.channels)]
    kinds = {source.type for source in recording.sources}
    if not sources or kinds != {"file"}:
        detail = f"its audio is of type {', '.join(sorted(kinds))}, in {len(recording.sources)} sources, not one file"
        return utterance.rejected("audio_unreadable", detail, SAVE_AUDIO)
    averaged = len(channels) > 1
    if averaged and set(channels) != set(sources[0].channels):
        detail = f"channels {channels} of {sources[0].channels}: some of several cannot be averaged"
        return utterance.rejected("audio_unreadable", detail, "take one channel or all of them")
    path = located(Path(str(sources[0].source)), folder)
    several = len(sources[0].channels) > 1
    whole = cut.start == 0 and abs(cut.duration - recording.duration) < 0.5 / recording.sampling_rate
    effects = [effect if isinstance(effect, dict) else effect.to_dict() for effect in recording.transforms or ()]
    lasting = any(effect["name"] != "Resample" for effect in effects)
    if lasting:
        sources[0].source = str(path)
        if averaged:
            return utterance.rejected("audio_unreadable", "effects on several channels", SAVE_AUDIO)
    return Utterance(
        utterance.id,
        path,
        utterance.text,
        utterance.speaker,
        start=cut.start,
        duration=None if whole else cut.duration,
        channel=sources[0].channels.index(channels[0]) if several and not averaged else None,
        split=utterance.split,
        cut=cut if lasting else None,
    )
