"""What a reader yields, and how something that cannot be used is reported."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from sys import intern

from lhotse.cut import Cut

from asr.audio.recording import Seconds

SPLITS = ("train", "dev", "test")

LONGEST_VALUE = 200  # characters of a value of Utterance.about; more is cut off
MOST_COLUMNS = 200  # of a source that are kept for every utterance: tables of features have thousands

# Suffixes taken for recordings. libsndfile cannot decode the last line's; such a file is found and reported
# (audio_unreadable, with the remedy) rather than passed over in silence.
AUDIO_SUFFIXES = frozenset(
    {
        ".wav",
        ".wave",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".mp3",
        ".aiff",
        ".aif",
        ".aifc",
        ".au",
        ".snd",
        ".w64",
        ".caf",
        ".sph",
        ".nist",
        ".rf64",
        ".voc",
        ".mp2",
        ".m4a",
        ".aac",
        ".wma",
        ".webm",
        ".mp4",
        ".amr",
        ".3gp",
        ".mka",
    }
)

REASONS = frozenset(
    {
        "audio_missing",
        "audio_unreadable",
        "audio_truncated",
        "audio_empty",
        "audio_silent",
        "audio_not_finite",
        "transcript_missing",
        "transcript_empty",
        "transcript_not_utf8",
        "target_missing",
        "target_unknown",
        "duplicate_id",
        "too_long",
        "unknown_characters",
        "ctc_infeasible",
        "not_finite",
        "manifest_line",
    }
)

REASONS_OF_TRANSCRIPT = frozenset({"transcript_missing", "transcript_not_utf8"})  # for a reader to find


@dataclass(frozen=True, slots=True)
class Rejection:
    """An utterance that cannot be used: a line of rejected.jsonl.

    `reason` is one of REASONS, `detail` says what was found, `remedy` what the user can do about it.
    """

    id: str
    audio: str
    split: str | None
    reason: str
    detail: str
    remedy: str

    def __post_init__(self) -> None:
        assert self.reason in REASONS, self.reason

    def __str__(self) -> str:
        where = f" ({self.audio})" if self.audio and self.audio != self.id else ""
        return f"{self.id}{where}: {self.reason}: {self.detail}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class UtteranceFacts:
    """What a source says of an utterance beside its audio; a task makes its target from this."""

    text: str | None
    speaker: str | None
    about: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording, or a part of it, and its transcript, as a reader finds them (nothing is decoded yet).

    `start` and `duration` are in seconds; `duration` None means up to the end of the recording. `channel` None means
    the average of all channels. `split` is "train", "dev", "test" or None where the source has none.
    `byte_range` (offset, size) says that `audio` is an uncompressed archive that holds the recording at those bytes.
    `cut` is set for lhotse cuts that a file path and a time span cannot express (audio in memory, effects, mixtures).
    `rejection` is set where the reader already knows that the entry cannot be used; where only its transcript is at
    fault (REASONS_OF_TRANSCRIPT), tasks that need none use it all the same. `about` is what else the source knows of
    it: gender, age, emotion, …
    """

    id: str
    audio: Path | None
    text: str | None
    speaker: str | None = None
    start: Seconds = 0.0
    duration: Seconds | None = None
    channel: int | None = None
    split: str | None = None
    byte_range: tuple[int, int] | None = None
    cut: Cut | None = None
    rejection: Rejection | None = None
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> UtteranceFacts:
        return UtteranceFacts(self.text, self.speaker, self.about)

    def rejected(self, reason: str, detail: str, remedy: str) -> "Utterance":
        """The same utterance, marked as one that cannot be used."""
        return replace(self, rejection=self.rejection_for(reason, detail, remedy))

    def rejection_for(self, reason: str, detail: str, remedy: str) -> Rejection:
        """The line of rejected.jsonl that names this utterance."""
        audio = "" if self.audio is None else str(self.audio)
        return Rejection(printable(self.id), printable(audio), self.split, reason, printable(detail), remedy)

    def unwritable(self) -> tuple[str, str, str] | None:
        """Reason, detail and remedy where a name or a text is not valid Unicode, so that no file could hold it."""
        for what, text in (("id", self.id), ("path", str(self.audio)), ("speaker", self.speaker)):
            if printable(text or "") != (text or ""):
                return "audio_unreadable", f"its {what} is not valid Unicode: {printable(text or '')}", "rename it"
        if printable(self.text or "") != (self.text or ""):
            return (
                "transcript_not_utf8",
                f"its text is not valid Unicode: {printable(self.text or '')}",
                "write it anew",
            )
        return None


def kept_about(columns: Iterable[tuple[str, object]]) -> dict[str, str]:
    """`Utterance.about` of named values: words and numbers, cut at LONGEST_VALUE, of MOST_COLUMNS columns at most."""
    found: dict[str, str] = {}
    for name, value in columns:
        text = str(value).strip() if isinstance(value, str | int | float) else ""
        if name and text and len(found) < MOST_COLUMNS:
            # one string for all utterances that share it
            found[intern(printable(name))] = intern(printable(text[:LONGEST_VALUE]))
    return found


def printable(text: str) -> str:
    """Text with ? for what UTF-8 cannot hold, such as bytes of a file name that are not UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def is_audio(path: Path) -> bool:
    """Whether a file's name says that it is a recording (any case of the suffix)."""
    return path.suffix.lower() in AUDIO_SUFFIXES


@dataclass(frozen=True)
class Reading:
    """The utterances of a source and `note`, a line for the user that says how the source was understood."""

    utterances: Iterable[Utterance]
    note: str

    def __iter__(self) -> Iterator[Utterance]:
        return iter(self.utterances)
