"""VCTK: wav48_silence_trimmed/p225/p225_001_mic1.flac, or of its older versions wav48/p225/p225_001.wav.

Yamagishi, Veaux, MacDonald 2019, https://datashare.ed.ac.uk/handle/10283/3443
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from asr.corpus.readers.lines import numbered_lines, with_transcript_file, without_transcript
from asr.corpus.readers.named import gender_letter, named_recordings
from asr.corpus.utterance import Reading, Utterance, kept_about
from asr.errors import UserError

FOLDERS = ("wav48_silence_trimmed", "wav48")
NAME = re.compile(r"([ps]\d+)_(\d+)(?:_(mic\d))?")
MICROPHONES = ("mic1", "mic2")
SPEAKERS = "speaker-info.txt"


def read(source: Path | str, microphone: str = "mic1") -> Reading:
    """Every recording of one microphone, with the speaker's gender, age, accent and region; splits are to be drawn.

    Transcripts lie in txt/p225/p225_001.txt. Raises UserError where there are no such recordings.
    """
    source = Path(source)
    if microphone not in MICROPHONES:
        raise UserError(f"data.reader.microphone={microphone}: {' or '.join(MICROPHONES)} is wanted")
    folder = next((source / name for name in FOLDERS if (source / name).is_dir()), source)
    found = named_recordings(folder, "**", NAME, "p225_001_mic1.flac", "VCTK")
    counts = Counter(match[3] for _, match in found)
    chosen = [(path, match) for path, match in found if match[3] in (None, microphone)]
    if not chosen:
        others = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise UserError(f"data.reader.microphone={microphone}: {folder} has no recordings of it; there are {others}")
    left = ", ".join(f"{count} of {name}" for name, count in sorted(counts.items()) if name not in (None, microphone))
    of_which = f" of {microphone}" if counts[microphone] else ""
    note = f"{source}: {len(chosen)} recordings{of_which}" + (f"; left out: {left}" if left else "")
    return Reading(_utterances(source, chosen), note)


def _utterances(source: Path, chosen: Sequence[tuple[Path, re.Match[str]]]) -> Iterator[Utterance]:
    speakers = _speakers(source / SPEAKERS)
    for path, match in chosen:
        speaker, number, microphone = match.groups()
        about = speakers.get(speaker, {}) | ({"microphone": microphone} if microphone else {})
        utterance = Utterance(path.stem, path, None, speaker, about=about)
        transcript = source / "txt" / speaker / f"{speaker}_{number}.txt"
        if transcript.is_file():
            yield with_transcript_file(utterance, transcript)
        else:
            yield without_transcript(utterance, transcript)


def _speakers(table: Path) -> dict[str, dict[str, str]]:
    """{speaker: gender, age, accent, region} of lines such as p225 23 F English Southern England (a remark)."""
    found = {}
    for _, line in numbered_lines(table) if table.is_file() else ():
        cells = line.split("(")[0].split(maxsplit=4)
        if len(cells) < 3 or not cells[1].isdigit():
            continue
        speaker = f"p{cells[0]}" if cells[0].isdigit() else cells[0]  # older versions write 225
        gender, age, (accent, region) = gender_letter(cells[2]), cells[1], (*cells[3:], "", "")[:2]
        named = {"gender": gender, "age": age, "accent": accent, "region": " ".join(region.split())}
        found[speaker] = kept_about(named.items())
    return found
