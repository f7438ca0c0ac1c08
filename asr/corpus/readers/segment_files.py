"""Files that say when what was said in a long recording: STM, CTM, TextGrid, SubRip (SRT) and WebVTT.

STM and CTM: NIST SCTK, https://github.com/usnistgov/SCTK/blob/master/doc/infmts.htm; TextGrid:
https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html; WebVTT: https://www.w3.org/TR/webvtt1/
"""

import codecs
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from asr.corpus.utterance import Seconds
from asr.errors import UserError

PAUSE_S = 0.5  # silence between two words that begins a new utterance
LONGEST_S = 15.0  # an utterance of single words ends at the next word after it
MARGIN_S = 0.1  # kept before the first and after the last of single words, where neighbours leave room
LARGEST_BYTES = 256 * 2**20
WORD_TIERS = ("word", "words")
SKIPPED_TIERS = ("phone", "phones", "phoneme", "phonemes", "syllable", "syllables", "segments")
NAMELESS_TIERS = ("utterance", "utterances", "sentence", "sentences", "text", "transcript", "transcription", "speech")
NOT_SPOKEN = frozenset({"", "sil", "sp", "spn", "<eps>", "<sil>", "silence"})  # labels of an interval without words
NOT_SCORED = "ignore_time_segment_in_scoring"  # STM's word for a stretch that counts for nothing
CUE = re.compile(r"((?:\d+:)?\d+:\d+[.,]\d+)\s*-->\s*((?:\d+:)?\d+:\d+[.,]\d+)")
VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
MARKUP = re.compile(r"<[^>]*>|\{\\[^}]*\}")
PRAAT_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<![\w\[.])([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w\]])')


@dataclass(frozen=True, slots=True)
class Segment:
    """What was said from `start` to `end`, in seconds; `recording` is None where the file's own name says which."""

    start: Seconds
    end: Seconds
    text: str
    speaker: str | None = None
    recording: str | None = None
    channel: str | None = None


class BadLine(Exception):
    """A place in a file that cannot be understood: its line (0: the whole file) and what is wrong with it."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line, self.detail = line, detail


def segments_of(path: Path) -> Iterator[Segment | BadLine]:
    """Every segment of a file, in its order, and every line that is none. Raises UserError for an unreadable file."""
    try:
        content = _decoded(path)
        yield from PARSERS[path.suffix.lower()](content)
    except BadLine as problem:
        yield problem


def _decoded(path: Path) -> str:
    """A file's text: UTF-16 where its first two bytes say so (as Praat writes), else UTF-8."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise BadLine(0, f"has more than {LARGEST_BYTES >> 20} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; make the file readable") from error
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if utf16 else "utf-8-sig", errors="replace")


def stm(content: str) -> Iterator[Segment | BadLine]:
    """<recording> <channel> <speaker> <start> <end> [<labels>] words."""
    for number, line in _lines(content):
        cells = line.split(maxsplit=5)
        if len(cells) < 5:
            yield BadLine(number, f"has {len(cells)} columns, STM has five before the words: {line[:80]}")
            continue
        recording, channel, speaker, *times = cells[:5]
        words = re.sub(r"^<[^>]*>\s*", "", cells[5]) if len(cells) > 5 else ""
        if NOT_SCORED in words.lower():
            continue
        yield _segment(number, times[0], times[1], words, speaker, recording, channel)


def ctm(content: str) -> Iterator[Segment | BadLine]:
    """<recording> <channel> <start> <duration> <word> [confidence …]: words, joined to utterances at pauses."""
    words: list[Segment] = []
    for number, line in _lines(content):
        cells = line.split()
        if len(cells) < 5:
            yield BadLine(number, f"has {len(cells)} columns, CTM has five: {line[:80]}")
            continue
        found = _segment(number, cells[2], cells[3], cells[4], None, cells[0], cells[1], duration=True)
        if isinstance(found, BadLine):
            yield found
        elif found.text.lower() not in NOT_SPOKEN:
            words.append(found)
    words.sort(key=lambda word: (word.recording or "", word.channel or "", word.start))
    for _, spoken in groupby(words, key=lambda word: (word.recording, word.channel)):
        yield from join_words(list(spoken))


def textgrid(content: str) -> Iterator[Segment | BadLine]:
    """Interval tiers in Praat's long or short text format; a tier of words is joined to utterances at pauses.

    A tier's name is the speaker, unless it is that of a kind ("utterances"); tiers of phones are passed over.
    """
    tokens = _PraatTokens(content)
    if (tokens.text(), tokens.text()) != ("ooTextFile", "TextGrid"):
        raise BadLine(0, "is not a TextGrid in Praat's text format; save it as a text file or a short text file")
    tokens.number(), tokens.number()
    for _ in range(tokens.count()):
        intervals, name = tokens.text() == "IntervalTier", tokens.text()
        tokens.number(), tokens.number()
        found: list[Segment] = []
        for _ in range(tokens.count()):
            start = tokens.number()
            end = tokens.number() if intervals else start
            text = " ".join(tokens.text().split())
            if not intervals or text.lower() in NOT_SPOKEN:
                continue
            if (wrong := _wrong_times(start, end)) is not None:
                yield BadLine(0, f"{name}: {wrong}")
            else:
                found.append(Segment(start, end, text))
        speaker, _, kind = name.strip().rpartition(" - ")  # the Montreal Forced Aligner's "speaker - words"
        if kind.lower() in SKIPPED_TIERS:
            continue
        if not speaker and kind.lower() not in WORD_TIERS + NAMELESS_TIERS:
            speaker = kind
        found = [replace(segment, speaker=speaker or None) for segment in found]
        yield from join_words(found) if kind.lower() in WORD_TIERS else found


def subtitles(content: str) -> Iterator[Segment | BadLine]:
    """Cues of SubRip and WebVTT: a line of times, and the text up to the next empty line, without its markup."""
    block: list[tuple[int, str]] = []
    for number, line in [*enumerate(content.splitlines(), 1), (0, "")]:
        if line.strip():
            block.append((number, line.strip()))
            continue
        at = next((index for index, (_, text) in enumerate(block) if "-->" in text), None)
        if at is not None:
            yield _cue(block[at][0], block[at][1], " ".join(text for _, text in block[at + 1 :]))
        block = []


PARSERS: dict[str, Callable[[str], Iterator[Segment | BadLine]]] = {
    **{".stm": stm, ".ctm": ctm, ".textgrid": textgrid},
    **dict.fromkeys((".srt", ".vtt"), subtitles),
}


def join_words(words: Iterable[Segment]) -> Iterator[Segment]:
    """Words of one speaker, sorted by time, as utterances that end at a pause, or at the first word after LONGEST_S."""
    groups: list[list[Segment]] = []
    for word in words:
        last = groups[-1] if groups else None
        if last and word.start - last[-1].end < PAUSE_S and word.end - last[0].start <= LONGEST_S:
            last.append(word)
        else:
            groups.append([word])
    for index, group in enumerate(groups):
        start, end = group[0].start, max(word.end for word in group)
        before = groups[index - 1][-1].end if index else 0.0
        after = groups[index + 1][0].start if index + 1 < len(groups) else math.inf
        yield replace(
            group[0],
            start=start - max(0.0, min(MARGIN_S, (start - before) / 2)),
            end=end + max(0.0, min(MARGIN_S, (after - end) / 2)),
            text=" ".join(word.text for word in group),
        )


def _lines(content: str) -> Iterator[tuple[int, str]]:
    """Numbered lines with something on them; ;; begins a comment."""
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith(";;"):
            yield number, line.strip()


def _segment(
    line: int,
    start: str,
    end: str,
    text: str,
    speaker: str | None,
    recording: str | None,
    channel: str | None,
    duration: bool = False,
) -> Segment | BadLine:
    try:
        first, last = float(start), float(end)
    except ValueError:
        return BadLine(line, f"{start} and {end} are not two times in seconds")
    last = first + last if duration else last
    if (wrong := _wrong_times(first, last)) is not None:
        return BadLine(line, wrong)
    return Segment(first, last, text.strip(), speaker, recording, channel)


def _wrong_times(start: Seconds, end: Seconds) -> str | None:
    return None if 0 <= start < end < math.inf else f"from {start:g} to {end:g} s: the end must come after the start"


def _cue(line: int, times: str, text: str) -> Segment | BadLine:
    found = CUE.search(times)
    if found is None:
        return BadLine(line, f"no times such as 00:01:02,500 --> 00:01:04,000: {times[:80]}")
    voice = VOICE.search(text)
    start, end = (_clock(time) for time in found.groups())
    if (wrong := _wrong_times(start, end)) is not None:
        return BadLine(line, wrong)
    return Segment(start, end, " ".join(MARKUP.sub(" ", text).split()), voice[1].strip() if voice else None)


def _clock(time: str) -> Seconds:
    """[hours:]minutes:seconds, a point or a comma before the fraction."""
    seconds = 0.0
    for part in time.replace(",", ".").split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


class _PraatTokens:
    """The quoted texts and free-standing numbers of a TextGrid, which both of its text formats have in one order."""

    def __init__(self, content: str) -> None:
        self._found = PRAAT_TOKEN.finditer(re.sub(r"\[\d*\]", "", content))

    def _next(self) -> re.Match[str]:
        found = next(self._found, None)
        if found is None:
            raise BadLine(0, "ends before the TextGrid does; it was cut off")
        return found

    def text(self) -> str:
        found = self._next()
        if found[1] is None:
            raise BadLine(0, f"has {found[0]} where a TextGrid has a text")
        return found[1].replace('""', '"')

    def number(self) -> float:
        found = self._next()
        if found[2] is None:
            raise BadLine(0, f"has {found[0][:40]} where a TextGrid has a number")
        return float(found[2])

    def count(self) -> int:
        value = self.number()
        if value < 0 or not value.is_integer():
            raise BadLine(0, f"has {value:g} where a TextGrid has a count")
        return int(value)
