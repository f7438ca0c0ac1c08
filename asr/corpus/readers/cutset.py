"""lhotse CutSets as JSON lines: cuts.jsonl.gz, or a folder with several, such as corpus_cuts_train.jsonl.gz.

https://lhotse.readthedocs.io/en/latest/cuts.html
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lhotse import MonoCut, MultiCut, Recording, SupervisionSegment
from lhotse.cut import Cut
from lhotse.serialization import deserialize_item

from asr.corpus.cuts import AVERAGED, BYTE_RANGE, GENDER, TRANSCRIPT
from asr.corpus.readers.lines import absolute_path, manifest_lines
from asr.corpus.splits import split_within
from asr.corpus.utterance import Utterance, kept_about
from asr.errors import UserError, one_line

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
        for number, line in manifest_lines(manifest):
            yield from utterances_of_line(manifest, number, line, split, partial(utterances_of, folder=manifest.parent))


def _candidates(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    found = sorted(path for path in source.glob("*") if path.name.endswith(SUFFIXES)) if source.is_dir() else []
    return [path for path in found if split_within(path.name)] or found


def _is_manifest(path: Path) -> bool:
    if not path.name.endswith(SUFFIXES):
        return False
    try:
        _, first = next(manifest_lines(path), (0, "null"))
        return json.loads(first).get("type") in TYPES
    except (UserError, ValueError, AttributeError, RecursionError):
        return False


def utterances_of_line(
    manifest: Path, number: int, line: str, split: str | None, use: Callable[[Cut, str | None], Iterable[Utterance]]
) -> list[Utterance]:
    """What `use` makes of the cut that a line describes, or an utterance that is rejected because it describes none."""
    try:
        cut = deserialize_item(json.loads(line))
        if type(cut).__name__ not in TYPES:
            raise ValueError(f"it is a {type(cut).__name__}")
        found = list(use(cut, split))
        for utterance in found:
            _check(utterance)
        return found
    except Exception as error:  # lhotse raises whatever its constructors do
        broken = Utterance(f"{manifest.name.split('.')[0]}-line-{number}", None, None, split=split)
        detail = f"{manifest}, line {number}: not a cut ({one_line(error)[:200]})"
        return [broken.rejected("manifest_line", detail, "mend the line, or take it out")]


def _check(utterance: Utterance) -> None:
    """Raises ValueError where a field has what it cannot hold: manifests are not typed."""
    texts = (utterance.text, utterance.speaker)
    if not isinstance(utterance.id, str) or not all(text is None or isinstance(text, str) for text in texts):
        raise ValueError("id, text and speaker must be strings")
    if not (0 <= utterance.start < math.inf and 0 < (utterance.duration or 1.0) < math.inf):
        raise ValueError(f"from {utterance.start} s for {utterance.duration} s")


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
    utterance = Utterance(cut.id, None, text, speaker, split=split, about=_about(supervision))
    if not isinstance(cut, (MonoCut, MultiCut)) or cut.recording is None:
        detail = f"a {type(cut).__name__} without a recording of its own"
        return utterance.rejected("audio_unreadable", detail, SAVE_AUDIO)
    return _placed(utterance, cut, cut.recording, folder)


def _about(supervision: SupervisionSegment | None) -> dict[str, str]:
    """Gender, language, and what a supervision's custom fields say in words or numbers."""
    if supervision is None:
        return {}
    known = {GENDER: supervision.gender, "language": supervision.language, **(supervision.custom or {})}
    return kept_about((key, value) for key, value in known.items() if key != TRANSCRIPT)


def _placed(utterance: Utterance, cut: MonoCut | MultiCut, recording: Recording, folder: Path) -> Utterance:
    """The utterance with where its audio lies; rejected where a path and a time span cannot say it."""
    channels = [cut.channel] if isinstance(cut.channel, int) else list(cut.channel)
    if (cut.custom or {}).get(AVERAGED):
        channels = [channel for source in recording.sources[:1] for channel in source.channels]
    sources = [source for source in recording.sources if set(channels) <= set(source.channels)]
    kinds = {source.type for source in recording.sources}
    if not sources or kinds != {"file"}:
        detail = f"its audio is of type {', '.join(sorted(kinds))}, in {len(recording.sources)} sources, not one file"
        return utterance.rejected("audio_unreadable", detail, SAVE_AUDIO)
    averaged = len(channels) > 1
    if averaged and set(channels) != set(sources[0].channels):
        detail = f"channels {channels} of {sources[0].channels}: some of several cannot be averaged"
        return utterance.rejected("audio_unreadable", detail, "take one channel or all of them")
    path = absolute_path(Path(str(sources[0].source)), folder)
    several = len(sources[0].channels) > 1
    whole = cut.start == 0 and abs(cut.duration - recording.duration) < 0.5 / recording.sampling_rate
    effects = [effect if isinstance(effect, dict) else effect.to_dict() for effect in recording.transforms or ()]
    lasting = any(effect["name"] != "Resample" for effect in effects)
    if lasting:
        if not all(kind == "file" for kind in source_types(effects)):
            detail = "the impulse response of its reverberation is not a file"  # lhotse would run a command
            return utterance.rejected("audio_unreadable", detail, SAVE_AUDIO)
        sources[0].source = str(path)
        if averaged:
            return utterance.rejected("audio_unreadable", "effects on several channels", SAVE_AUDIO)
    return replace(
        utterance,
        audio=path,
        start=cut.start,
        duration=None if whole else cut.duration,
        channel=sources[0].channels.index(channels[0]) if several and not averaged else None,
        byte_range=_byte_range(cut),
        cut=cut if lasting else None,
    )


def source_types(node: Any) -> Iterator[str]:
    """The types of all audio sources in the description of an effect."""
    for child in node if isinstance(node, list | tuple) else node.values() if isinstance(node, dict) else ():
        yield from source_types(child)
    if isinstance(node, dict):
        yield from (str(source.get("type")) for source in node.get("sources", ()))


def _byte_range(cut: Cut) -> tuple[int, int] | None:
    """Where a cut that this project wrote finds its recording in an archive."""
    place = (cut.custom or {}).get(BYTE_RANGE)
    if not (isinstance(place, list) and len(place) == 2 and all(isinstance(n, int) and n >= 0 for n in place)):
        return None
    return place[0], place[1]
