"""A table of answers joined with what is known of the actors; rows that cannot be used are dropped and named."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np

from asr.configuration.overrides import did_you_mean
from asr.corpus.readers.crema_d import ACTORS, NAME
from asr.corpus.readers.crema_d import EMOTIONS as CODES
from asr.corpus.readers.lines import table_rows
from asr.errors import UserError
from asr.tasks.table.columns import numbers_of
from asr.tasks.table.kinds import (
    ACTOR,
    CATEGORIES_OF_ACTORS,
    CLIP_NUMBER,
    KINDS,
    LETTERS,
    NUMBERS_OF_ACTORS,
    PHRASE_TYPE,
    QUERY_TYPE,
    Kind,
    kind_of,
    named,
)

MISSING = frozenset({"", "NA", "NaN", "nan", "N/A", "null", "NULL", "None"})
LETTER_OF = {**{code: code[0] for code in CODES}, **{letter: letter for letter in LETTERS}}


@dataclass(frozen=True)
class Settings:
    """What is read: `leave_out` of the columns that are learnt from, `take_in` of the others.

    critical: the column without whose value a row is dropped, None for the table's usual one.
    """

    critical: str | None = None
    leave_out: Sequence[str] = ()
    take_in: Sequence[str] = ()


@dataclass
class Answers:
    """R rows of a table, by column: `cells[name]` holds R texts, "" where the value is missing.

    ids, clips, actors, targets: R texts; dropped: what rejected.jsonl says of the other rows; unused: the table's
    columns that nothing is learnt from.
    """

    table: Path
    kind: Kind
    numbers: list[str]
    categories: list[str]
    unused: list[str]
    critical: str
    ids: list[str] = field(default_factory=list)
    clips: list[str] = field(default_factory=list)
    actors: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    cells: dict[str, list[str]] = field(default_factory=dict)
    dropped: list[dict[str, Any]] = field(default_factory=list)

    @property
    def notes(self) -> Iterator[str]:
        """What was dropped and why, and which emotions are gone with it."""
        for (reason, detail), count in Counter((each["reason"], each["detail"]) for each in self.dropped).items():
            yield f"{count} of {len(self.ids) + len(self.dropped)} rows dropped, {reason}: {detail}"
        gone = sorted({each["displayed"] for each in self.dropped} - {None} - set(self.targets))
        if gone:
            yield f"no row with {', '.join(gone)} is left; another task.critical= drops other rows"


class Unusable(Exception):
    """Why a row is dropped: reason, detail, remedy."""


def read_answers(source: Path, answers: str | None, settings: Settings) -> Answers:
    """The rows of a CREMA-D table with actor and sentence; UserError where a file or a column is missing.

    source: the folder that has VideoDemographics.csv; answers: the table below it, None for the first of KINDS there.
    """
    table, actors = find_table(source, answers), read_actors(source / ACTORS)
    rows = ((number, [cell.strip() for cell in row]) for number, row in table_rows(table, ",") if row)
    _, header = next(rows, (1, []))
    found = layout_of(table, header, settings)
    columns = {name: place for place, name in enumerate(header)}
    cells = found.cells
    cells |= {name: [] for name in (*found.numbers, *found.categories, found.kind.answer)}
    for line, row in rows:
        row += [""] * (len(header) - len(row))
        known = {name: "" if row[place] in MISSING else row[place] for name, place in columns.items()}
        clip = Path(known[found.kind.clip]).stem
        try:
            actor, target, more = facts_of(found, known, clip, actors)
        except Unusable as why:
            found.dropped.append(rejection(table, line, clip, *why.args))
            continue
        known |= more
        found.ids.append(f"{clip}#{line}")
        found.clips.append(clip)
        found.actors.append(intern(actor))
        found.targets.append(target)
        for name, column in cells.items():
            column.append(intern(known[name]))
    if not found.ids:
        first = f", the first: {found.dropped[0]['detail']}" if found.dropped else ""
        raise UserError(f"{table}: no row can be used{first}; give another task.critical= or another table")
    for name in settings.take_in:
        if name in found.categories and all(np.isfinite(numbers_of(cells[name]))):
            found.categories.remove(name)
            found.numbers.append(name)
    return found


def find_table(source: Path, answers: str | None) -> Path:
    """The table of answers of a folder; UserError naming what was looked for."""
    looked_for = [kind.file for kind in KINDS] if answers is None else [answers]
    for name in looked_for:
        if (source / name).is_file():
            return source / name
    remedy = "give CREMA-D's folder as data.source" if answers is None else "name another table with data.answers"
    raise UserError(f"{source}: has no {' or '.join(looked_for)}; {remedy}")


def read_actors(table: Path) -> dict[str, dict[str, str]]:
    """{actor: Age, Sex, Race, Ethnicity}, from VideoDemographics.csv."""
    if not table.is_file():
        raise UserError(f"{table}: not there; give as data.source the folder that has it, as CREMA-D's has")
    rows = [[cell.strip() for cell in row] for _, row in table_rows(table, ",") if row]
    header = rows[0] if rows else []
    wanted = (*NUMBERS_OF_ACTORS, *CATEGORIES_OF_ACTORS)
    check_columns(table, header, (ACTOR, *wanted), "fetch CREMA-D's own again")
    found = (dict(zip(header, row, strict=False)) for row in rows[1:])
    return {each[ACTOR]: {name: known_value(each.get(name, "")) for name in wanted} for each in found}


def known_value(cell: str) -> str:
    """A cell, "" where it stands for a missing value."""
    return "" if cell in MISSING else cell


def layout_of(table: Path, header: Sequence[str], settings: Settings) -> Answers:
    """An empty Answers with the columns that are learnt from; UserError where the table lacks one."""
    kind = kind_of(header, table)
    critical = settings.critical or kind.critical
    joined = {*NUMBERS_OF_ACTORS, *CATEGORIES_OF_ACTORS, PHRASE_TYPE}
    joined |= {QUERY_TYPE, CLIP_NUMBER} if kind.numbered else set()
    there = {*header, *joined}
    if critical not in header:
        hint = did_you_mean(critical, header) if settings.critical else "; give another task.critical="
        raise UserError(f"{table}: has no column {critical}, without whose value a row is dropped{hint}")
    for key, names in (("task.leave_out", settings.leave_out), ("task.take_in", settings.take_in)):
        for name in names:
            if name not in there:
                raise UserError(f"{key}=[{name}]: {table} has no such column{did_you_mean(name, sorted(there))}")
    numbers = [name for name in (*kind.numbers, *NUMBERS_OF_ACTORS) if name not in settings.leave_out]
    categories = [
        name for name in (*kind.categories, PHRASE_TYPE, *CATEGORIES_OF_ACTORS) if name not in settings.leave_out
    ]
    needed = [kind.clip, kind.answer, *filter(None, [kind.target]), *numbers, *categories]
    if kind.numbered and "" not in header:
        raise UserError(f"{table}: its first column has no empty name, which tells {QUERY_TYPE}; fetch it again")
    remedy = "fetch the whole table, or leave out what is learnt from: task.leave_out=[…]"
    check_columns(table, header, [name for name in needed if name not in joined], remedy)
    categories += [name for name in settings.take_in if name not in {*numbers, *categories}]
    unused = [name for name in header if name not in {*numbers, *categories}]
    return Answers(table, kind, numbers, categories, unused, critical)


def check_columns(table: Path, header: Sequence[str], wanted: Sequence[str], remedy: str) -> None:
    missing = [name for name in wanted if name not in header]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UserError(f"{table}: has no column {missing[0]}{more}; it has {named(header)}; {remedy}")


def facts_of(
    answers: Answers, known: Mapping[str, str], clip: str, actors: Mapping[str, Mapping[str, str]]
) -> tuple[str, str, dict[str, str]]:
    """Actor, displayed emotion, and the columns that clip and actor bring; raises Unusable."""
    kind, match = answers.kind, NAME.fullmatch(clip)
    if match is None:
        raise Unusable("clip_name", "the clip's name is not as 1001_IEO_NEU_XX is", "mend it", None)
    actor, phrase, code, _ = match.groups()
    displayed = LETTER_OF.get(known[kind.target]) if kind.target else LETTER_OF[code]
    if displayed is None:
        detail = f"{kind.target} is none of {', '.join(LETTERS)}"
        raise Unusable("target_missing", detail, "write the displayed emotion there", None)
    if not known[answers.critical]:
        remedy = "fill it in, or give another task.critical="
        raise Unusable("critical_value_missing", f"{answers.critical} has no value", remedy, displayed)
    if actor not in actors:
        raise Unusable("actor_unknown", f"{ACTORS} does not have the actor", "add the actor there", displayed)
    more = {**actors[actor], PHRASE_TYPE: phrase}
    if kind.numbered:
        more |= {QUERY_TYPE: known[""][:1], CLIP_NUMBER: known[""][1:].lstrip("0")}
    return actor, displayed, more


def rejection(
    table: Path, line: int, clip: str, reason: str, detail: str, remedy: str, displayed: str | None
) -> dict[str, Any]:
    """A line of rejected.jsonl."""
    named_row = {"id": f"{clip}#{line}", "table": str(table), "line": line, "split": None}
    return named_row | {"reason": reason, "detail": detail, "remedy": remedy, "displayed": displayed}
