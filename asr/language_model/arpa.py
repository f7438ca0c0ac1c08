"""Reading n-gram language models in ARPA's format, whoever wrote them: this program, KenLM, SRILM.

Format: SRILM's ngram-format(5). Where pruning left an n-gram without its first or its last n - 1 words, these are put
in with the probability that backing off gives them and a backoff of 1, which changes no probability.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from asr.errors import UserError, one_line
from asr.language_model.ngram import SPECIAL, UNKNOWN, NgramModel, Order

ABSENT = -100.0  # log10 of a special word that the file lacks, and of a probability of 0, as KenLM has it
BLOCK = 1 << 22  # bytes read at once; no line is longer
COUNT = re.compile(rb"ngram\s+(\d{1,9})\s*=\s*(\d{1,15})")
SECTION = re.compile(rb"\\(\d{1,9})-grams:")
DATA, END = b"\\data\\", b"\\end\\"
ALSO_UNKNOWN = b"<UNK>"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_arpa(path: Path) -> NgramModel:
    """The model in an ARPA file, which may be compressed by gzip; `<UNK>` counts as `<unk>`.

    Raises UserError naming the file, and the line where there is one, that is damaged or no ARPA.
    """
    counts: list[int] = []
    sections: list[_Section] = []
    ids = {word.encode(): number for number, word in enumerate(SPECIAL)}
    title = b""
    for title, number, lines in _titled(path):
        match = SECTION.fullmatch(title)
        if title == DATA:
            counts += _counts(path, number, lines, len(counts))
        elif match:
            if int(match[1]) == len(sections) + 1 <= len(counts):
                _check_size(path, number, sections, counts)
                sections.append(_Section(path, len(sections) + 1, ids))
            elif int(match[1]) != len(sections):
                _damaged(path, number - 1, f"{_shown(title)} is not the section that belongs here")
            sections[-1].add(number, lines)
        elif title == END:
            _check_size(path, number, sections, counts)
            break
        elif title:
            _damaged(path, number - 1, f"{_shown(title)} is no section of an ARPA file")
        elif len(lines) > 1000:
            raise UserError(f"{path}: no ARPA file, which begins with \\data\\")
    if title != END or not sections or len(sections) < len(counts):
        raise UserError(f"{path}: no ARPA file, or cut off before its \\end\\; fetch or write it again")
    tables = [_joined(section.pieces) for section in sections]
    while len(tables) > 1 and not tables[-1].words.size:
        tables.pop()
    tables[0] = _with_specials(tables[0])
    return NgramModel(_vocabulary(path, ids), _linked(path, tables, len(ids)))


def _blocks(path: Path) -> Iterator[list[bytes]]:
    """All lines, as many at once as a block holds."""
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else open(path, "rb") as file:
            rest = file.read(len(BYTE_ORDER_MARK)).removeprefix(BYTE_ORDER_MARK)
            while block := file.read(BLOCK):
                whole, newline, left = block.rpartition(b"\n")
                if not newline:
                    if len(rest) + len(block) > BLOCK:
                        raise UserError(f"{path}: no ARPA file: it holds a line of more than {BLOCK} bytes")
                    rest += block
                    continue
                yield (rest + whole).split(b"\n")
                rest = left
            if rest:
                yield [rest]
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read to its end ({one_line(error)}); fetch or write it again") from error


def _titled(path: Path) -> Iterator[tuple[bytes, int, list[bytes]]]:
    """Lines in pieces, each with the title that it stands under and the number of its first line."""
    title, number = b"", 1
    for lines in _blocks(path):
        start = 0
        for place in [i for i, line in enumerate(lines) if line.startswith(b"\\")]:
            yield title, number + start, lines[start:place]
            title, start = lines[place].strip(), place + 1
        yield title, number + start, lines[start:]
        number += len(lines)


def _counts(path: Path, first: int, lines: Sequence[bytes], known: int) -> Iterator[int]:
    """How many n-grams the header promises, n = known + 1, known + 2, …"""
    for number, line in enumerate(lines, start=first):
        if not (line := line.strip()):
            continue
        match = COUNT.fullmatch(line)
        known += 1
        if not match or int(match[1]) != known:
            _damaged(path, number, f"ngram {known}=… belongs here, not {_shown(line)}")
        yield int(match[2])


def _check_size(path: Path, number: int, sections: Sequence["_Section"], counts: Sequence[int]) -> None:
    if sections and sections[-1].size != (promised := counts[len(sections) - 1]):
        found = f"{sections[-1].size} {len(sections)}-grams end here, where \\data\\ promises {promised}"
        _damaged(path, number - 1, found)


@dataclass
class _Table:
    """n-grams in the order of the file: ids (N, n), log10 probability and backoff (N, 2), line numbers (N,)."""

    words: np.ndarray
    numbers: np.ndarray
    lines: np.ndarray


class _Section:
    """The n-grams of one length as they are read. ids: of the words, which the section of single words fills."""

    def __init__(self, path: Path, length: int, ids: dict[bytes, int]) -> None:
        self.path, self.length, self.ids = path, length, ids
        self.size = 0
        self.pieces = [_Table(np.zeros((0, length), np.int64), np.zeros((0, 2)), np.zeros(0, np.int64))]

    def add(self, first: int, lines: Sequence[bytes]) -> None:
        rows = [line.split() for line in lines]
        places = np.arange(first, first + len(rows))
        if not all(rows):
            places = places[[bool(row) for row in rows]]
            rows = [row for row in rows if row]
        if not rows:
            return
        self._complete(rows, places)
        log_probs, *words, backoffs = map(_plain, zip(*rows, strict=True))
        if self.length == 1:
            for word in words[0]:
                self.ids.setdefault(word, len(self.ids))
        numbers = np.stack([self._floats(log_probs, places), self._floats(backoffs, places)], axis=1)
        sound = (numbers[:, 0] <= 0) & (numbers[:, 1] < np.inf)
        if not sound.all():
            _damaged(self.path, places[~sound][0], "the log10 of a probability is 0 at most, and a backoff is finite")
        found = np.stack([self._found(column, places) for column in words], axis=1)
        self.pieces.append(_Table(found, np.maximum(numbers, ABSENT), places))
        self.size += len(rows)

    def _complete(self, rows: list[list[bytes]], places: np.ndarray) -> None:
        """Give every row a backoff."""
        full = self.length + 2
        if set(map(len, rows)) == {full}:
            return
        for row, place in zip(rows, places, strict=True):
            if len(row) == full - 1:
                row.append(b"0")
            elif len(row) != full:
                _damaged(self.path, place, f"a probability, {self.length} words and perhaps a backoff belong here")

    def _found(self, words: Sequence[bytes], places: np.ndarray) -> np.ndarray:
        try:
            return np.fromiter(map(self.ids.__getitem__, words), np.int64, len(words))
        except KeyError as error:
            strange = error.args[0]
            _damaged(self.path, places[words.index(strange)], f"the word {_shown(strange)} is not among the 1-grams")

    def _floats(self, column: Sequence[bytes], places: np.ndarray) -> np.ndarray:
        try:
            return np.fromiter(map(float, column), float, len(column))
        except ValueError as error:
            for text, place in zip(column, places, strict=True):
                try:
                    float(text)
                except ValueError:
                    _damaged(self.path, place, f"{_shown(text)} is no number")
            raise AssertionError from error


def _vocabulary(path: Path, ids: dict[bytes, int]) -> list[str]:
    """The words in the order of their ids."""
    try:
        return [word.decode("utf-8") for word in ids]
    except UnicodeDecodeError as error:
        remedy = f"save it as UTF-8, for example: iconv -f LATIN1 -t UTF-8 {path.name}"
        raise UserError(f"{path}: the word {_shown(error.object)} is not UTF-8; {remedy}") from error


def _with_specials(unigrams: _Table) -> _Table:
    """The single words, with those that the file lacks."""
    absent = np.setdiff1d(np.arange(len(SPECIAL)), unigrams.words)[:, None]
    return _joined([unigrams, _Table(absent, np.tile([ABSENT, 0.0], (len(absent), 1)), np.zeros_like(absent[:, 0]))])


def _joined(pieces: Sequence[_Table]) -> _Table:
    words, numbers, lines = ([getattr(piece, name) for piece in pieces] for name in ("words", "numbers", "lines"))
    return _Table(np.concatenate(words), np.concatenate(numbers), np.concatenate(lines))


def _linked(path: Path, tables: list[_Table], size: int) -> list[Order]:
    """Every n-gram with the ids of its first and its last n - 1 words, which are put in where they lack."""
    orders: list[Order] = []
    for length, table in enumerate(tables, start=1):
        prefix, suffix = _place(table.words[:, :-1], orders, size), _place(table.words[:, 1:], orders, size)
        if (prefix < 0).any() or (suffix < 0).any():
            return _linked(path, _completed(tables), size)
        keys = prefix * size + table.words[:, -1]
        sequence = np.argsort(keys, kind="stable")
        keys = keys[sequence]
        if (again := np.flatnonzero(keys[1:] == keys[:-1])).size:
            _damaged(path, table.lines[sequence[again[0] + 1]], f"this {length}-gram stood in an earlier line")
        prefix, suffix, (log_prob, backoff) = prefix[sequence], suffix[sequence], table.numbers[sequence].T.copy()
        if length > 1:
            put_in = np.isnan(log_prob)
            backed_off = orders[-1].backoff[prefix[put_in]] + orders[-1].log_prob[suffix[put_in]]
            log_prob[put_in] = np.maximum(backed_off, ABSENT)
        orders.append(Order(keys, prefix, table.words[sequence, -1], suffix, log_prob, backoff))
    return orders


def _place(words: np.ndarray, orders: Sequence[Order], size: int) -> np.ndarray:
    """Ids (N,) of n-grams (N, n), -1 for those that there are not; 0 where n is 0."""
    ids = words[:, 0] if words.shape[1] else np.zeros(len(words), np.int64)
    for order, word in zip(orders[1:], words.T[1:], strict=False):
        ids = order.find(ids, word, size)
    return ids


def _completed(tables: Sequence[_Table]) -> list[_Table]:
    """Tables in which the first and the last n - 1 words of every n-gram are n-grams, new ones with probability NaN."""
    completed = [tables[-1]]
    for table in reversed(tables[:-1]):
        longer = completed[0].words
        known, inner = len(table.words), np.concatenate([table.words, longer[:, :-1], longer[:, 1:]])
        _, first = np.unique(_numbered(inner), return_index=True)
        new = inner[first[first >= known]]
        numbers = np.tile([np.nan, 0.0], (len(new), 1))
        completed.insert(0, _joined([table, _Table(new, numbers, np.zeros(len(new), np.int64))]))
    return completed


def _numbered(rows: np.ndarray) -> np.ndarray:
    """A number (N,) for each row (N, n), the same for the same rows."""
    numbers = rows[:, 0]
    for column in rows.T[1:]:
        _, numbers = np.unique(numbers, return_inverse=True)
        numbers = numbers * (column.max(initial=0) + 1) + column
    return numbers


def _plain(column: Sequence[bytes]) -> Sequence[bytes]:
    return [UNKNOWN.encode() if text == ALSO_UNKNOWN else text for text in column] if ALSO_UNKNOWN in column else column


def _shown(text: bytes) -> str:
    return repr(text[:60].decode("utf-8", errors="replace"))


def _damaged(path: Path, line: int, detail: str) -> NoReturn:
    raise UserError(f"{path}, line {line}: {detail}; fetch or write it again")
