"""Long recordings with a file that says when what was said: STM, CTM, TextGrid, SRT or VTT."""

from collections.abc import Iterator
from pathlib import Path

from asr.corpus.readers.lines import reject_not_utf8
from asr.corpus.readers.segment_files import PARSERS, BadLine, Segment, segments_of
from asr.corpus.splits import split_of
from asr.corpus.utterance import Utterance, is_audio

FORM = "long recordings with their times (x.wav and x.srt, .vtt, .TextGrid, .stm or .ctm; sub-folders too)"


def recognises(source: Path) -> bool:
    """Whether a folder holds recordings and a file of one of these suffixes."""
    if not source.is_dir():
        return False
    has_times = has_audio = False
    for path in source.rglob("*"):
        has_times = has_times or path.suffix.lower() in PARSERS
        has_audio = has_audio or is_audio(path)
        if has_times and has_audio:
            return True
    return False


def read(source: Path | str) -> Iterator[Utterance]:
    """An utterance for every segment; its id is the recording's path and the milliseconds of both ends.

    A segment file beside a recording of its name is about that one; STM and CTM may also name several recordings
    anywhere below the source. Folders at the top that are named for a split are one.
    """
    source = Path(source)
    paths = [path for path in sorted(source.rglob("*")) if path.is_file()]
    recordings = {path.with_suffix("").relative_to(source).as_posix(): path for path in paths if is_audio(path)}
    by_name = {Path(name).name: name for name in recordings}
    for path in paths:
        if path.suffix.lower() not in PARSERS:
            continue
        beside = path.with_suffix("").relative_to(source).as_posix()
        for found in segments_of(path):
            if isinstance(found, BadLine):
                yield _of_bad_line(found, path, beside)
                continue
            named = found.recording or Path(beside).name
            known = beside if beside in recordings and Path(beside).name == named else by_name.get(named, named)
            yield reject_not_utf8(_utterance(found, known, recordings.get(known), path), path, 0)


def _utterance(segment: Segment, recording: str, audio: Path | None, path: Path) -> Utterance:
    start, end = segment.start, segment.end
    channel = {"1": 0, "a": 0, "2": 1, "b": 1}.get((segment.channel or "").lower())
    utterance = Utterance(
        id=f"{recording}-{round(start * 1000):08d}-{round(end * 1000):08d}" + (f"-{channel + 1}" if channel else ""),
        audio=audio,
        text=segment.text,
        speaker=segment.speaker or recording,
        start=start,
        duration=end - start,
        channel=channel,
        split=_split(recording),
    )
    if audio is not None:
        return utterance
    detail = f"{path} speaks of {recording}, and there is no recording of that name"
    return utterance.rejected("audio_missing", detail, "put the recording there, or take its segments out")


def _split(recording: str) -> str | None:
    return split_of(recording.split("/")[0]) if "/" in recording else None


def _of_bad_line(problem: BadLine, path: Path, name: str) -> Utterance:
    where = f"{path}, line {problem.line}" if problem.line else str(path)
    utterance = Utterance(f"{name}{path.suffix}-line-{problem.line}", None, None, split=_split(name))
    return utterance.rejected("manifest_line", f"{where}: {problem.detail}", "mend it, or take it out")
