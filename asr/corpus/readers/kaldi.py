"""Kaldi data directories: wav.scp, text, and where they exist utt2spk, segments, and what spk2… and utt2… say.

https://kaldi-asr.org/doc/data_prep.html
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from asr.corpus.readers.lines import is_there, numbered_lines, reject_not_utf8, without_transcript
from asr.corpus.splits import split_of
from asr.corpus.utterance import Utterance, kept_about
from asr.errors import UserError

FORM = "Kaldi data directories (wav.scp and text; or train/ dev/ test/ that hold them)"

# Of spk2gender, utt2lang and the like, what is no column: other tables, and measures of the recordings.
NO_COLUMNS = ("utt", "spk", "dur", "num_frames", "warp", "max_frames_duration")
COLUMN_NAMES = {"lang": "language", "emo": "emotion", "sex": "gender"}
Columns = Mapping[str, Mapping[str, str]]  # {gender: {speaker: value}}, or {emotion: {utterance: value}}


def recognises(source: Path) -> bool:
    return source.is_dir() and bool(_data_folders(source))


def read(source: Path | str) -> Iterator[Utterance]:
    """Every utterance of a data directory, or of the data directories right below a folder, with their splits.

    Raises UserError where a line of wav.scp is a command (it is never run) or a table is malformed.
    """
    source = Path(source)
    for folder, split in _data_folders(source).items():
        yield from _read_data_folder(folder, split)


def _data_folders(source: Path) -> dict[Path, str | None]:
    """The data directories of a source and their splits: itself, or those below it (also below its data/)."""
    if (source / "wav.scp").is_file():
        return {source: None}
    for parent in (source, source / "data"):
        below = sorted(parent.glob("*/wav.scp")) if parent.is_dir() else []
        if below:
            return {scp.parent: split_of(scp.parent.name) for scp in below}
    return {}


def _read_data_folder(folder: Path, split: str | None) -> Iterator[Utterance]:
    paths = {name: _audio_path(folder, name, line, value) for line, name, value in _table(folder / "wav.scp")}
    speakers = dict(_entries(folder / "utt2spk"))
    spans = _spans(folder / "segments", paths)
    columns = _columns(folder, "utt2"), _columns(folder, "spk2")
    transcribed = set()
    for line, name, text in _table(folder / "text"):
        recording, start, duration = spans.get(name, (name, 0.0, None))
        transcribed.add(name)
        speaker = speakers.get(name)
        about = _about(name, speaker, *columns)
        utterance = Utterance(
            name, paths.get(recording), text, speaker, start=start, duration=duration, split=split, about=about
        )
        if recording not in paths:
            where = f"{folder / 'wav.scp'} has no line for {recording!r} (text, line {line})"
            utterance = utterance.rejected("audio_missing", where, "add the line, or take the utterance out of text")
        yield reject_not_utf8(utterance, folder / "text", line)
    for name, (recording, start, duration) in spans.items():
        if name not in transcribed:
            speaker = speakers.get(name)
            about = _about(name, speaker, *columns)
            utterance = Utterance(
                name, paths.get(recording), None, speaker, start=start, duration=duration, split=split, about=about
            )
            yield without_transcript(utterance, folder / "text")


def _columns(folder: Path, prefix: str) -> Columns:
    """What the tables spk2… or utt2… say."""
    named = {path.name.removeprefix(prefix): path for path in sorted(folder.glob(f"{prefix}*"))}
    told = {name: path for name, path in named.items() if name not in NO_COLUMNS}
    return {COLUMN_NAMES.get(name, name): dict(_entries(path)) for name, path in told.items()}


def _about(name: str, speaker: str | None, of_utterances: Columns, of_speakers: Columns) -> dict[str, str]:
    """What is known of an utterance and of its speaker."""
    both = ((speaker, of_speakers), (name, of_utterances))
    return kept_about(
        (column, values[owner])
        for owner, columns in both
        for column, values in columns.items()
        if owner is not None and owner in values
    )


def _table(path: Path) -> Iterator[tuple[int, str, str]]:
    """The lines of a Kaldi table: (line number, key, rest). A table that does not exist has none."""
    if not path.is_file():
        return
    for number, line in numbered_lines(path):
        key, _, value = line.replace("\t", " ").strip().partition(" ")
        if key:
            yield number, key, value.strip()


def _entries(path: Path) -> Iterator[tuple[str, str]]:
    return ((key, value) for _, key, value in _table(path))


def _spans(segments: Path, paths: dict[str, Path]) -> dict[str, tuple[str, float, float | None]]:
    """{utterance: (recording, start, duration)} in seconds; without segments every recording is an utterance."""
    if not segments.is_file():
        return {name: (name, 0.0, None) for name in paths}
    spans: dict[str, tuple[str, float, float | None]] = {}
    for line, name, value in _table(segments):
        try:
            recording, start, end = value.split()[:3]
            span = (float(start), float(end))
        except ValueError:
            span = (0.0, 0.0)
        if not 0 <= span[0] < math.inf or not (span[0] < span[1] < math.inf or span[1] == -1):
            raise UserError(
                f"{segments}, line {line}: {name} {value}: must be <utterance> <recording> <start> <end> in seconds, "
                "end after start; mend the line"
            )
        spans[name] = (recording, span[0], None if span[1] == -1 else span[1] - span[0])
    return spans


def _audio_path(folder: Path, name: str, line: int, value: str) -> Path:
    """Where the recording lies: paths may be relative to the data directory, to one above it, or to where we run."""
    if value.endswith("|"):
        raise UserError(
            f"{folder / 'wav.scp'}, line {line} ({name}): is a command, which is never run: {value}; run it yourself, "
            "write its output to a file, and put the file's path on the line"
        )
    if value.startswith("|") or ".ark:" in value:
        raise UserError(f"{folder / 'wav.scp'}, line {line} ({name}): {value} is not an audio file; put its path there")
    path = Path(value)
    if path.is_absolute():
        return path
    parents = folder.absolute().parents
    for base in (folder.absolute(), *parents[:3], Path.cwd()):
        if is_there(base / path):
            return base / path
    return folder.absolute() / path
