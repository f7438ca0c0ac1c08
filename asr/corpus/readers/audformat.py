"""audformat databases, as audb loads them: db.yaml, and tables of files or segments, db.files.csv, db.emotion.csv.

https://audeering.github.io/audformat/
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from asr.corpus.readers.lines import BYTE_ORDER_MARK, is_there, table_rows
from asr.corpus.readers.named import gender_letter
from asr.corpus.readers.tables import SPEAKER_COLUMNS, TEXT_COLUMNS
from asr.corpus.splits import split_of
from asr.corpus.utterance import SPLITS, Reading, Utterance, kept_about
from asr.errors import UserError, one_line

FORM = "an audformat database (db.yaml with db.files.csv, db.emotion.csv, …)"
HEADER = "db.yaml"
OTHER_STORAGE = (".parquet", ".pkl")
WHOLE = ("", "")  # start and end of all of a file
INDEX = ("file", "start", "end")
TIME = re.compile(r"(?:(\d+) days?)?\s*\+?(?:(\d+):(\d+):(\d+(?:\.\d+)?))?")
NOT_KEPT = ("duration",)  # of a file: read from the recording itself
GENDER = "gender"

Place = tuple[str, str, str]  # file, start and end as they are written, which are empty for all of a file


@dataclass
class Annotations:
    """What the tables say of files and of segments, by column, and the splits that they lie in."""

    of_place: dict[Place, dict[str, str]] = field(default_factory=dict)
    split_of: dict[Place, str] = field(default_factory=dict)


def recognises(source: Path) -> bool:
    """Whether a folder's db.yaml speaks of tables."""
    header = source / HEADER
    if not header.is_file():
        return False
    with open(header, encoding="utf-8", errors="replace") as lines:
        return any(line.startswith("tables:") for line in lines)


def read(source: Path | str) -> Reading:
    """Every segment of a database that has tables of segments, else every file, with what all tables say of it.

    Splits are those of tables that name one. Labels that stand for more (a speaker's age and gender, the words of a
    transcript's code) are looked up. Raises UserError where the header or a table cannot be read.
    """
    source = Path(source)
    header = _header(source / HEADER)
    tables = _mapping(header, "tables")
    schemes = {name: _labels(source, header, scheme) for name, scheme in _mapping(header, "schemes").items()}
    found = Annotations()
    for name, table in tables.items():
        _add_table(source, header, str(name), table, schemes, found)
    segments = [place for place in found.of_place if place[1:] != WHOLE]
    left_out = {place[0] for place in found.of_place} - {place[0] for place in segments} if segments else set()
    note = f"{len(tables)} tables" + (f"; {len(left_out)} files without a segment are left out" if left_out else "")
    return Reading([_utterance(source, place, found) for place in segments or found.of_place], note)


def _header(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text("utf-8").removeprefix(BYTE_ORDER_MARK))
        if not isinstance(found, dict) or not isinstance(found.get("tables"), dict):
            raise ValueError("no tables in it")
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise UserError(
            f"{path}: not the header of an audformat database ({one_line(error)}); fetch it again"
        ) from error
    return found


def _mapping(node: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = node.get(key)
    return found if isinstance(found, dict) else {}


def _labels(source: Path, header: Mapping[str, Any], scheme: object) -> dict[str, object]:
    """What a scheme's labels stand for: {label: its text, or a mapping of what is known}; none where for themselves."""
    labels = scheme.get("labels") if isinstance(scheme, dict) else None
    if isinstance(labels, dict):
        return {str(label): known for label, known in labels.items()}
    if isinstance(labels, str) and labels in _mapping(header, "misc_tables"):
        rows = _rows(source, labels)
        return {row[next(iter(row))]: row for row in rows if row}
    return {}


def _rows(source: Path, table: str) -> Iterator[dict[str, str]]:
    """The rows of a table by column. Raises UserError where it is not stored as text."""
    path = source / f"db.{table}.csv"
    if not is_there(path):
        other = next((name for end in OTHER_STORAGE if is_there(source / (name := f"db.{table}{end}"))), None)
        what = f"{other} is not read, only tables as text" if other else f"there is no db.{table}.csv"
        raise UserError(
            f'{source}: {what}; write it with audformat: Database.load("{source.name}").save("{source.name}", '
            'storage_format="csv")'
        )
    rows = table_rows(path, ",")
    _, names = next(rows, (0, []))
    for _, row in rows:
        yield {column: value for column, value in zip(names, row, strict=False) if column and value}


def _add_table(
    source: Path,
    header: Mapping[str, Any],
    name: str,
    table: object,
    schemes: Mapping[str, Mapping[str, object]],
    found: Annotations,
) -> None:
    """Enter what a table's rows say, and the split that it is the table of."""
    table = table if isinstance(table, dict) else {}
    columns = _mapping(table, "columns")
    scheme_of = {str(column): _mapping(columns, column).get("scheme_id") for column in columns}
    split = _split(header, table.get("split_id"))
    for row in _rows(source, name):
        start, end = row.get("start", ""), row.get("end", "")
        whole = _seconds(start) in (None, 0.0) and _seconds(end) is None
        place = (row.get("file", ""), "" if whole else start, "" if whole else end)
        if not place[0]:
            continue
        known = found.of_place.setdefault(place, {})
        if split is not None:
            found.split_of.setdefault(place, split)
        for column, value in row.items():
            if column not in INDEX:
                known.update(_looked_up(column, value, schemes.get(scheme_of.get(column) or "", {})))


def _looked_up(column: str, value: str, labels: Mapping[str, object]) -> dict[str, str]:
    """A cell by its column, and what its label stands for: a text as the column's value, then the label as sentence."""
    meaning = labels.get(value)
    if isinstance(meaning, dict):
        said = {str(key): str(each) for key, each in meaning.items() if isinstance(each, str | int | float)}
        return said | {column: value}
    if isinstance(meaning, str):
        return {column: meaning, **({"sentence": value} if column.lower() in TEXT_COLUMNS else {})}
    return {column: value}


def _split(header: Mapping[str, Any], split_id: object) -> str | None:
    """train, dev or test by the type of a split, or by its name."""
    described = _mapping(_mapping(header, "splits"), str(split_id)) if split_id is not None else {}
    split = split_of(str(described.get("type") or split_id)) if split_id is not None else None
    return split if split in SPLITS else None


def _utterance(source: Path, place: Place, found: Annotations) -> Utterance:
    file, start, end = place
    known = {**found.of_place.get((file, *WHOLE), {}), **found.of_place[place]}
    named = {column.lower(): value for column, value in known.items()}
    if GENDER in named:
        named[GENDER] = gender_letter(named[GENDER])
    text = next((named.pop(column) for column in TEXT_COLUMNS if column in named and column != "sentence"), None)
    speaker = next((named.pop(column) for column in SPEAKER_COLUMNS if column in named), None)
    first, last = _seconds(start) or 0.0, _seconds(end)
    about = kept_about((column, value) for column, value in named.items() if column not in NOT_KEPT)
    identity = re.sub(r"\.[^./]*$", "", file) + (f"-{round(first * 1000):08d}" if start or end else "")
    utterance = Utterance(
        id=identity + (f"-{round(last * 1000):08d}" if last is not None else ""),
        audio=source / file,
        text=text,
        speaker=speaker,
        start=first,
        duration=None if last is None else last - first,
        split=found.split_of.get(place) or found.split_of.get((file, *WHOLE)),
        about=about,
    )
    if last is not None and not 0 <= first < last:
        return utterance.rejected("manifest_line", f"{file} from {start} to {end}", "mend the segment, or take it out")
    return utterance


def _seconds(time: str) -> float | None:
    """Of pandas' "0 days 00:00:01.5", or of a plain number of seconds; None where there is none (NaT)."""
    match = TIME.fullmatch(time.strip())
    if match is not None and any(match.groups()):
        days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return 86400 * days + 3600 * hours + 60 * minutes + seconds
    try:
        return seconds if math.isfinite(seconds := float(time)) else None
    except ValueError:
        return None
