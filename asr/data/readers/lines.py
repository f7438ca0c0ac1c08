"""Reading the text that readers share: lines of tables, transcripts, and what is wrong with them."""

from collections.abc import Iterator
from pathlib import Path

from asr.data.utterance import Utterance

BYTE_ORDER_MARK = "\ufeff"


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines from 1 without their ends; what is not UTF-8 becomes U+FFFD, for the reader to report by utterance."""
    with open(path, encoding="utf-8-sig", errors="replace", newline=None) as lines:
        for number, line in enumerate(lines, start=1):
            yield number, line.rstrip("\n")


def with_transcript_file(utterance: Utterance, path: Path) -> Utterance:
    """The utterance with the text of a transcript file, its line breaks as spaces; rejected where it is not UTF-8."""
    try:
        text = path.read_bytes().decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        detail = f"{path} is not UTF-8 (byte {error.start}: 0x{error.object[error.start]:02x})"
        name, stem = path.name, path.stem
        return utterance.rejected(
            "transcript_not_utf8", detail, f"save it as UTF-8, for example: iconv -f LATIN1 -t UTF-8 {name} > {stem}.utf8"
        )
    except OSError as error:
        return utterance.rejected("transcript_missing", f"{path}: {error.strerror}", "make the file readable")
    return Utterance(
        utterance.id, utterance.audio, " ".join(text.split()), utterance.speaker, split=utterance.split
    )


def without_transcript(utterance: Utterance, looked_in: Path) -> Utterance:
    return utterance.rejected(
        "transcript_missing", f"{looked_in} has no transcript for it", "add its transcript, or take the recording out"
    )


def without_audio(utterance: Utterance, transcript: Path) -> Utterance:
    return utterance.rejected(
        "audio_missing", f"{transcript} has no recording beside it", "put the recording there, or take the transcript out"
    )
