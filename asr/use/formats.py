"""Transcripts as people exchange them: text, JSON lines, SubRip, WebVTT, NIST CTM, Praat TextGrid.

Every format is `(transcripts, several)`: whether several recordings were asked for, of which some may have failed.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from asr.tasks.transcribe.timing.words import Segment, Transcript, Word

CAPTION_WORDS = 12  # at most, in one caption
CAPTION_SECONDS = 6.0
CAPTION_PAUSE_S = 1.0  # a silence this long begins a new caption


def as_text(transcripts: Sequence[Transcript], several: bool) -> str:
    """A line a file; with several files, each after its path and a tab."""
    return "".join(f"{t.path}\t{t.text}\n" if several else f"{t.text}\n" for t in transcripts)


def as_timed_text(transcripts: Sequence[Transcript], several: bool) -> str:
    """A line a caption, after its times; with several files, each after its path and a tab."""
    return "".join(
        f"{transcript.path}\t" * several + f"[{times(caption, '.')}] {caption.text}\n"
        for transcript in transcripts
        for caption in captions_of(transcript)
    )


def as_json(transcripts: Sequence[Transcript], several: bool) -> str:
    """A JSON line a file: path, text, duration, words and tokens with times in seconds and confidence, segments."""
    return "".join(json.dumps(asdict(transcript), ensure_ascii=False) + "\n" for transcript in transcripts)


def as_srt(transcripts: Sequence[Transcript], several: bool) -> str:
    """SubRip captions; several files follow one another, each with its own clock."""
    captions = [caption for transcript in transcripts for caption in captions_of(transcript)]
    blocks = [f"{number}\n{times(caption, ',')}\n{caption.text}\n" for number, caption in enumerate(captions, 1)]
    return "\n".join(blocks)


def as_vtt(transcripts: Sequence[Transcript], several: bool) -> str:
    """WebVTT captions (W3C), each file under a NOTE with its path."""
    blocks = ["WEBVTT\n"]
    for transcript in transcripts:
        if several:
            blocks.append(f"NOTE {transcript.path}\n")
        blocks += [f"{times(caption, '.')}\n{caption.text}\n" for caption in captions_of(transcript)]
    return "\n".join(blocks)


def as_ctm(transcripts: Sequence[Transcript], several: bool) -> str:
    """NIST CTM: file channel start duration word confidence."""
    return "".join(
        f"{Path(t.path).stem} 1 {w.start:.2f} {w.end - w.start:.2f} {w.text} {w.confidence:.2f}\n"
        for t in transcripts
        for w in t.words
    )


def as_textgrid(transcripts: Sequence[Transcript], several: bool) -> str:
    """Praat's text format: a tier of words; several files follow one another, and want separating."""
    return "\n".join(textgrid(transcript) for transcript in transcripts)


def textgrid(transcript: Transcript) -> str:
    """One TextGrid, whose intervals follow one another without a gap, as Praat demands."""
    intervals: list[tuple[float, float, str]] = []
    at = 0.0
    for word in transcript.words:
        start = max(at, word.start)
        if start > at:
            intervals.append((at, start, ""))
        if word.end > start:
            intervals.append((start, word.end, word.text))
            at = word.end
    if transcript.duration > at:
        intervals.append((at, transcript.duration, ""))
    end = max(at, transcript.duration)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", f"{end:g}", "<exists>", "1"]
    lines += ['"IntervalTier"', '"words"', "0", f"{end:g}", str(len(intervals))]
    for start, stop, text in intervals:
        lines += [f"{start:g}", f"{stop:g}", '"' + text.replace('"', '""') + '"']
    return "\n".join(lines) + "\n"


def captions_of(transcript: Transcript) -> list[Segment]:
    """The segments; where there are none, the words cut at pauses, lengths and counts."""
    if transcript.segments:
        return transcript.segments
    captions: list[list[Word]] = []
    for word in transcript.words:
        last = captions[-1] if captions else []
        full = len(last) >= CAPTION_WORDS or (last and word.end - last[0].start > CAPTION_SECONDS)
        if not last or full or word.start - last[-1].end > CAPTION_PAUSE_S:
            captions.append([])
        captions[-1].append(word)
    return [Segment(" ".join(word.text for word in words), words[0].start, words[-1].end) for words in captions]


def times(caption: Segment, point: str) -> str:
    return f"{clock(caption.start, point)} --> {clock(caption.end, point)}"


def clock(seconds: float, point: str) -> str:
    """hh:mm:ss.mmm with the format's own decimal point."""
    total_ms = round(1000 * seconds)
    minutes, ms = divmod(total_ms, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{ms // 1000:02d}{point}{ms % 1000:03d}"


FORMATS: dict[str, Callable[[Sequence[Transcript], bool], str]] = {
    "text": as_text,
    "json": as_json,
    "srt": as_srt,
    "vtt": as_vtt,
    "ctm": as_ctm,
    "textgrid": as_textgrid,
}


def writer(format: str, times: bool) -> Callable[[Sequence[Transcript], bool], str]:
    """How a format is written; every one but text holds times anyway."""
    return as_timed_text if times and format == "text" else FORMATS[format]
