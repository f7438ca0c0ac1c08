"""Reading the text that readers share: lines of tables, transcripts, and what is wrong with them."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from asr.corpus.utterance import Utterance
from asr.errors import UserError, one_line

BYTE_ORDER_MARK = "\ufeff"
REPLACEMENT = "\ufffd"  # what reject_not_utf8 bytes become


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines from 1 without their ends; what is not UTF-8 becomes U+FFFD, for the reader to report by utterance."""
    with open(path, encoding="utf-8-sig", errors="replace", newline=None) as lines:
        for number, line in enumerate(lines, start=1):
            yield number, line.rstrip("\n")


def table_rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows of a table whose cells may be quoted; UserError where a quote is not closed."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as lines:
        rows = enumerate(csv.reader(lines, delimiter=delimiter), start=1)
        while True:
            try:
                yield next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                raise UserError(f"{path}: no table ({one_line(error)}); mend its quotes") from error


def manifest_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of a JSON lines file, compressed where its name ends in .gz; UserError where it is damaged."""
    opener = gzip.open if path.name.endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8", errors="replace") as lines:
            yield from ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read to its end ({one_line(error)}); fetch it again") from error


def with_transcript_file(utterance: Utterance, path: Path) -> Utterance:
    """The utterance with the text of a transcript file, its line breaks as spaces; rejected where it is not UTF-8."""
    try:
        text = path.read_bytes().decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        detail = f"{path} is not UTF-8 (byte {error.start}: 0x{error.object[error.start]:02x})"
        remedy = f"save it as UTF-8, for example: iconv -f LATIN1 -t UTF-8 {path.name} > {path.stem}.utf8"
        return utterance.rejected("transcript_not_utf8", detail, remedy)
    except OSError as error:
        return utterance.rejected("transcript_missing", f"{path}: {error.strerror}", "make the file readable")
    return replace(utterance, text=" ".join(text.split()))


def reject_not_utf8(utterance: Utterance, table: Path, line: int) -> Utterance:
    """The utterance, rejected where its text holds what was not UTF-8 in a table's line."""
    if utterance.rejection is not None or REPLACEMENT not in (utterance.text or ""):
        return utterance
    return utterance.rejected("transcript_not_utf8", f"{table}, line {line}, is not UTF-8", "save the file as UTF-8")


def is_there(path: Path) -> bool:
    """Whether a path that a table names is there; one that no file can have, as it is too long, is not."""
    try:
        return path.exists()
    except OSError:
        return False


def absolute_path(path: Path, folder: Path) -> Path:
    """A manifest's path made absolute: relative to the manifest's folder, else to where we run."""
    if path.is_absolute():
        return path
    beside, here = (folder / path).absolute(), path.absolute()
    return here if is_there(here) and not is_there(beside) else beside


def without_transcript(utterance: Utterance, looked_in: Path) -> Utterance:
    return utterance.rejected(
        "transcript_missing", f"{looked_in} has no transcript for it", "add its transcript, or take the recording out"
    )


def without_audio(utterance: Utterance, transcript: Path) -> Utterance:
    detail = f"{transcript} has no recording beside it"
    return utterance.rejected("audio_missing", detail, "put the recording there, or take the transcript out")
