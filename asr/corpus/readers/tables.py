"""A table of recordings and transcripts: LJSpeech's metadata.csv, Common Voice's train.tsv, or a CSV with a header.

https://keithito.com/LJ-Speech-Dataset/, https://commonvoice.mozilla.org/
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from asr.corpus.readers.lines import is_there, numbered_lines, reject_not_utf8, table_rows
from asr.corpus.splits import SPLIT_OF_WORD, split_of, split_within
from asr.corpus.utterance import AUDIO_SUFFIXES, Utterance, kept_about
from asr.errors import UserError

FORM = "a folder with metadata.csv or .tsv (LJSpeech; Common Voice's train.tsv; or columns such as file,text,speaker)"
FIRST_ROWS = 20  # of a table without transcripts, one of which must name a recording that is there
SUFFIXES = (".csv", ".tsv", ".psv")
AUDIO_COLUMNS = (
    *("path", "file", "audio", "file_name", "filename", "filepath"),
    *("audio_path", "audio_file", "audio_filepath", "wav", "wav_filename", "id"),
)
TEXT_COLUMNS = ("sentence", "text", "transcript", "transcription", "normalized_text", "normalised_text")
SPEAKER_COLUMNS = ("speaker", "client_id", "speaker_id", "spk")
SPLIT_COLUMNS = ("split", "subset")
AUDIO_FOLDERS = ("", "clips", "wavs", "wav", "audio", "recordings", "flac")
WHOLE = "validated"  # Common Voice: all that may be used, where its splits are left out


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a table keeps what, by position."""

    audio: int
    text: int | None
    speaker: int | None = None
    split: int | None = None
    about: tuple[tuple[str, int], ...] = ()


def recognises(source: Path) -> bool:
    return any(_layout(table) is not None for table in _tables(source))


def recognises_labels(source: Path) -> bool:
    """Whether there is a table without transcripts that names recordings."""
    return bool(_label_tables(source))


def read(source: Path | str) -> Iterator[Utterance]:
    """Every row of every table; splits by the tables' names, a split column, or the folder that a table lies in.

    All other columns are kept in Utterance.about, by their names in lower case. Tables without transcripts are read
    where there is none with. Raises UserError where no table has a column for audio.
    """
    source = Path(source)
    tables = [(table, layout) for table in _tables(source) if (layout := _layout(table)) is not None]
    tables = tables or _label_tables(source)
    if not tables:
        raise UserError(
            f"{source}: no table has a column for the recording ({', '.join(AUDIO_COLUMNS)}) and one for the "
            f"transcript ({', '.join(TEXT_COLUMNS)}), or names recordings that are there; name the columns in its "
            "first line"
        )
    for table, (columns, delimiter, header) in tables:
        split = None if source.is_file() else split_within(table.stem)
        prefix = ""
        if source.is_dir() and table.parent != source:
            split = split or split_of(table.parent.name)
            prefix = table.parent.name + "/"  # the same name may stand in several folders
        audio = _AudioFolder(table.parent)
        for number, row in _rows(table, delimiter):
            if row and not (header and number == 1):
                utterance = _utterance(table, number, row, columns, audio, split)
                yield replace(utterance, id=prefix + utterance.id)


def _label_tables(source: Path) -> list[tuple[Path, tuple[Columns, str, bool]]]:
    """The tables of a source that have no transcripts but name recordings that are there; of many, the first."""
    candidates = [(table, layout) for table in _tables(source, every=True) if (layout := _label_layout(table))]
    named = [table for table in candidates if split_within(table[0].stem) or table[0].parent != source]
    return named or candidates[:1]


def _label_layout(table: Path) -> tuple[Columns, str, bool] | None:
    """The columns of a table whose first line names one for the recording, where its first rows name such."""
    delimiter, names = _header(table)
    audio = _position(names, AUDIO_COLUMNS)
    if audio is None or len(names) < 2:
        return None
    folder = _AudioFolder(table.parent)
    rows = islice(_rows(table, delimiter), 1, 1 + FIRST_ROWS)
    if not any(is_there(folder.find(row[audio].strip())) for _, row in rows if audio < len(row)):
        return None
    return _columns(names, audio, None), delimiter, True


def _tables(source: Path, every: bool = False) -> list[Path]:
    """The tables of a source: the file itself; those named for splits; metadata.csv; one for each split folder.

    every: of a folder that has none of these, all that lie in it, else the first.
    """
    if source.is_file():
        return [source] if source.suffix.lower() in SUFFIXES else []
    if not source.is_dir():
        return []
    here = sorted(path for path in source.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    split = [path for path in here if split_within(path.stem)]
    whole = [path for path in here if path.stem.lower() in ("metadata", "transcripts", "transcript", WHOLE)]
    if split or whole:
        return split or whole[:1]
    below = [path for path in sorted(source.glob("*/metadata.*")) if path.suffix.lower() in SUFFIXES]
    return below or (here if every else here[:1])


def _layout(table: Path) -> tuple[Columns, str, bool] | None:
    """A table's columns, delimiter and whether it has a header; None where these cannot be told."""
    delimiter, cells = _header(table)
    text = _position(cells, TEXT_COLUMNS)
    audio = _position(cells, AUDIO_COLUMNS)
    if text is not None and audio is not None:
        return _columns(cells, audio, text), delimiter, True
    if delimiter == "|" and len(cells) in (2, 3):  # LJSpeech: id, text as written, text with numbers spelled out
        return Columns(0, len(cells) - 1), delimiter, False
    if len(cells) == 2 and Path(cells[0]).suffix.lower() in AUDIO_SUFFIXES:
        return Columns(0, 1), delimiter, False
    return None


def _header(table: Path) -> tuple[str, list[str]]:
    """A table's delimiter, and the cells of its first line in lower case."""
    first = next((line for _, line in numbered_lines(table) if line.strip()), "")
    delimiter = max("|\t,;", key=first.count)
    return delimiter, [cell.strip().lower() for cell in _cells(first, delimiter)]


def _columns(names: Sequence[str], audio: int, text: int | None) -> Columns:
    """What a header's names say; all that have no part of their own are Utterance.about."""
    speaker, split = _position(names, SPEAKER_COLUMNS), _position(names, SPLIT_COLUMNS)
    taken = {audio, text, speaker, split}
    about = tuple((name, position) for position, name in enumerate(names) if name and position not in taken)
    return Columns(audio, text, speaker, split, about)


def _position(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _rows(table: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows. Only comma and semicolon tables quote cells: LJSpeech and Common Voice write bare quotes."""
    if delimiter in "|\t":
        for number, line in numbered_lines(table):
            yield number, line.split(delimiter) if line.strip() else []
        return
    yield from table_rows(table, delimiter)


def _utterance(
    table: Path, number: int, row: list[str], columns: Columns, audio: "_AudioFolder", split: str | None
) -> Utterance:
    name = row[columns.audio].strip() if columns.audio < len(row) else ""
    if not name or (columns.text or 0) >= len(row):
        missing = Utterance(name or f"{table.stem}-line-{number}", None, None, split=split)
        detail = f"{table}, line {number}: has {len(row)} cells, the recording or the transcript is missing"
        return missing.rejected("manifest_line", detail, "mend the line, or take it out")
    speaker = _cell(row, columns.speaker)
    split = SPLIT_OF_WORD.get((_cell(row, columns.split) or "").lower(), split)
    plain = Path(name)
    stem = plain.with_suffix("") if plain.suffix.lower() in AUDIO_SUFFIXES else plain
    about = kept_about((column, _cell(row, position)) for column, position in columns.about)
    text = None if columns.text is None else row[columns.text].strip()
    utterance = Utterance(stem.as_posix(), audio.find(name), text, speaker, split=split, about=about)
    if text is None:
        remedy = f"name the column that has it ({', '.join(TEXT_COLUMNS)}), or learn labels: task=classify"
        return utterance.rejected("transcript_missing", f"{table} has no column for transcripts", remedy)
    return reject_not_utf8(utterance, table, number)


def _cell(row: Sequence[str], position: int | None) -> str | None:
    return row[position].strip() or None if position is not None and position < len(row) else None


class _AudioFolder:
    """Finds recordings that a table names by path or by id alone, beside it or in clips/, wavs/ and the like."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.usual = next((folder / below for below in AUDIO_FOLDERS[1:] if (folder / below).is_dir()), folder)
        self._by_stem: dict[str, Path] | None = None

    def find(self, name: str) -> Path:
        """The recording's path; where there is none, the one where it was expected."""
        if Path(name).suffix.lower() in AUDIO_SUFFIXES:
            for below in AUDIO_FOLDERS:
                if is_there(path := self.folder / below / name):
                    return path
            return self.folder / name if "/" in name else self.usual / name
        if self._by_stem is None:
            self._by_stem = {
                path.relative_to(self.folder / below).with_suffix("").as_posix(): path
                for below in reversed(AUDIO_FOLDERS)
                if (self.folder / below).is_dir()
                for path in (self.folder / below).iterdir()
                if path.suffix.lower() in AUDIO_SUFFIXES
            }
        return self._by_stem.get(name, self.usual / f"{name}.wav")
