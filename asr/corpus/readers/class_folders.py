"""A folder of recordings for every class: happy/x.wav, sad/y.wav; folders train, dev and test may lie above them."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from asr.corpus.readers.lines import with_transcript_file
from asr.corpus.splits import SPEAKER, split_of
from asr.corpus.utterance import Reading, Utterance, is_audio
from asr.errors import UserError


def read(source: Path | str, label: str, speaker_pattern: str | None = None) -> Reading:
    """Every recording, `label` being the name of its folder, right below the source or below its split.

    Folders at the top are splits where all of them are named for one. speaker_pattern: a regular expression that finds
    the speaker in a recording's path below the source, in its first group where it has one. Where x.txt lies beside
    x.wav, it is the transcript. Raises UserError where there are no such recordings, or where the pattern fits none.
    """
    if not isinstance(label, str):
        raise UserError(f"data.label={list(label)}: the names of folders are one label; give one")
    source = Path(source)
    pattern = _compiled(speaker_pattern)
    paths = sorted(source.rglob("*")) if source.is_dir() else []
    recordings = [path for path in paths if is_audio(path) and not _hidden(path.relative_to(source))]
    tops = {path.relative_to(source).parts[0] for path in recordings if path.parent != source}
    if not tops:
        raise UserError(f"{source}: holds no folders of recordings, one a class; set data.source to their parent")
    has_splits = all(split_of(name) for name in tops)
    utterances = [_utterance(source, path, label, has_splits, pattern) for path in recordings]
    if pattern is not None and not any(utterance.speaker for utterance in utterances):
        example = recordings[0].relative_to(source)
        raise UserError(f"data.reader.speaker_pattern={speaker_pattern}: found in no recording, such as {example}")
    return Reading(utterances, _note(source, utterances, label, has_splits))


def _compiled(speaker_pattern: str | None) -> re.Pattern[str] | None:
    try:
        return None if speaker_pattern is None else re.compile(str(speaker_pattern))
    except re.error as error:
        raise UserError(f"data.reader.speaker_pattern={speaker_pattern}: no regular expression ({error})") from error


def _utterance(source: Path, path: Path, label: str, has_splits: bool, pattern: re.Pattern[str] | None) -> Utterance:
    relative = path.relative_to(source)
    folders = relative.parts[1:-1] if has_splits else relative.parts[:-1]
    split = split_of(relative.parts[0]) if has_splits and len(relative.parts) > 1 else None
    match = pattern.search(relative.as_posix()) if pattern is not None else None
    speaker = match[1 if match.re.groups else 0] if match is not None else None
    about = {label: folders[0]} if folders and label != SPEAKER else {}
    if folders and label == SPEAKER:
        speaker = folders[0]
    utterance = Utterance(relative.with_suffix("").as_posix(), path, None, speaker, split=split, about=about)
    if not folders:
        return utterance.rejected("target_missing", "lies in no folder of a class", "move it into one")
    transcript = path.with_suffix(".txt")
    return with_transcript_file(utterance, transcript) if transcript.is_file() else utterance


def _note(source: Path, utterances: Sequence[Utterance], label: str, has_splits: bool) -> str:
    names = [each.speaker if label == SPEAKER else each.about.get(label) for each in utterances]
    counts = Counter(name for name in names if name)
    named = ", ".join(f"{name} {count}" for name, count in counts.most_common(8)) + (" …" if len(counts) > 8 else "")
    splits = " below folders of splits" if has_splits else ""
    return f"{source}: read as class_folders, {label} by {len(counts)} folders{splits}: {named}"


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)
