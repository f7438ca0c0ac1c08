"""What was said, word by word and token by token, with times in seconds and confidences in 0..1."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from asr.alignment.hmm import Span
from asr.tasks.transcribe.decode.greedy import Hypothesis
from asr.tasks.transcribe.text.tokenizer import SPACE_PIECE, Tokenizer


@dataclass(frozen=True)
class Token:
    """A token as `Tokenizer.piece` shows it."""

    text: str
    start: float
    end: float
    confidence: float

    def shifted(self, seconds: float) -> "Token":
        return replace(self, start=round(self.start + seconds, 3), end=round(self.end + seconds, 3))


@dataclass(frozen=True)
class Word:
    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Segment:
    """A line of a text, from the start of its first word to the end of its last."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Transcript:
    """What one recording holds; segments are the lines of a text that was given to be aligned."""

    path: str
    text: str
    words: list[Word]
    duration: float
    tokens: list[Token] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)


def tokens_of(
    hypothesis: Hypothesis, tokenizer: Tokenizer, frame_s: float, duration: float, spans: Sequence[Span] | None
) -> list[Token]:
    """A hypothesis' tokens; their times are those of their characters, or of their frames where these are not known."""
    pieces = [tokenizer.piece(token) for token in hypothesis.tokens]
    if spans is not None and sum(map(letter_count, pieces)) == len(spans):
        times = times_of_characters(pieces, spans)
    else:
        times = [
            (start * frame_s, min(duration, end * frame_s))
            for start, end in zip(hypothesis.starts, hypothesis.ends, strict=True)
        ]
    return [
        Token(piece, round(start, 3), round(max(start, end), 3), round(confidence, 4))
        for piece, (start, end), confidence in zip(pieces, times, hypothesis.confidences, strict=True)
    ]


def letter_count(piece: str) -> int:
    return len(piece) - piece.count(SPACE_PIECE)


def times_of_characters(pieces: Sequence[str], spans: Sequence[Span]) -> list[tuple[float, float]]:
    """From the first character of a token to its last one; a space lies between its neighbours."""
    times, place = [], 0
    for piece in pieces:
        after = place + letter_count(piece)
        if after > place:
            times.append((spans[place].start, spans[after - 1].end))
        else:
            start = spans[place - 1].end if place else 0.0
            times.append((start, spans[place].start if place < len(spans) else start))
        place = after
    return times


def words_of(hypothesis: Hypothesis, tokens: Sequence[Token], tokenizer: Tokenizer) -> list[Word]:
    """Tokens gathered between spaces; a word starts where its first token does and ends where its last one does."""
    ids = dict(zip(map(id, tokens), hypothesis.tokens, strict=True))
    words = []
    for of_word in tokens_by_word(tokens):
        if text := tokenizer.decode([ids[id(token)] for token in of_word]).strip():
            confidence = min(token.confidence for token in of_word)
            words.append(Word(text, of_word[0].start, of_word[-1].end, confidence))
    return words


def tokens_by_word(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens of every word, without those that are a space alone."""
    words: list[list[Token]] = [[]]
    for token in tokens:
        if token.text.startswith(SPACE_PIECE):
            words.append([])
        if token.text != SPACE_PIECE:
            words[-1].append(token)
    return [word for word in words if word]


def segments_of(words: Sequence[Word], lines: Sequence[str]) -> list[Segment]:
    """The lines that the words were taken from, one after the other."""
    segments, place = [], 0
    for line in lines:
        of_line = words[place : place + len(line.split())]
        place += len(of_line)
        segments.append(Segment(line, of_line[0].start, of_line[-1].end))
    return segments
