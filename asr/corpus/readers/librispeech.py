"""LibriSpeech: <subset>/<speaker>/<chapter>/<speaker>-<chapter>.trans.txt beside the recordings.

https://www.openslr.org/12
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from asr.corpus.readers.lines import numbered_lines, reject_not_utf8, without_transcript
from asr.corpus.readers.named import gender_letter
from asr.corpus.splits import split_of
from asr.corpus.utterance import Utterance, is_audio

FORM = "LibriSpeech (*.trans.txt beside the recordings)"
TRANSCRIPTS = "*.trans.txt"
SPEAKERS = "SPEAKERS.TXT"


def recognises(source: Path) -> bool:
    return source.is_dir() and next(source.rglob(TRANSCRIPTS), None) is not None


def read(source: Path | str) -> Iterator[Utterance]:
    """Every line of every transcript file; splits by the folders' names (train-clean-100, dev-other, test-clean).

    With the speaker's gender where SPEAKERS.TXT is there, and the chapter as session.
    """
    source = Path(source)
    genders = _genders(source)
    for transcripts in sorted(source.rglob(TRANSCRIPTS)):
        split = _split(source, transcripts)
        recordings = {path.stem: path for path in sorted(transcripts.parent.iterdir()) if is_audio(path)}
        for number, line in numbered_lines(transcripts):
            name, _, text = line.strip().partition(" ")
            if not name:
                continue
            utterance = _utterance(name, recordings.pop(name, None), text.strip(), split, genders)
            if utterance.audio is None:
                detail = f"{transcripts}, line {number}: there is no recording {name} beside it"
                utterance = utterance.rejected("audio_missing", detail, "put it there, or take the line out")
            yield reject_not_utf8(utterance, transcripts, number)
        for name, path in recordings.items():
            yield without_transcript(_utterance(name, path, None, split, genders), transcripts)


def _utterance(
    name: str, audio: Path | None, text: str | None, split: str | None, genders: Mapping[str, str]
) -> Utterance:
    speaker, _, rest = name.partition("-")
    about = {"gender": genders[speaker]} if speaker in genders else {}
    about |= {"session": f"{speaker}-{rest.split('-')[0]}"} if rest else {}
    return Utterance(name, audio, text, speaker, split=split, about=about)


def _genders(source: Path) -> dict[str, str]:
    """{speaker: m or f} of SPEAKERS.TXT, whose lines are: 14 | F | train-clean-360 | 25.03 | Kristin LeMoine."""
    file = next((path for path in (source / SPEAKERS, source.parent / SPEAKERS) if path.is_file()), None)
    lines = [line for _, line in numbered_lines(file) if not line.startswith(";")] if file else []
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {row[0]: gender_letter(row[1]) for row in cells if len(row) > 1}


def _split(source: Path, transcripts: Path) -> str | None:
    """The split of the first folder below the source that is named for one."""
    return next((split for part in transcripts.relative_to(source).parts[:-1] if (split := split_of(part))), None)
