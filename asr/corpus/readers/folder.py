"""A folder of recordings with transcripts in text files of the same name: x.wav and x.txt, in sub-folders too."""

from collections.abc import Iterator
from pathlib import Path

from asr.corpus.readers.lines import with_transcript_file, without_audio, without_transcript
from asr.corpus.splits import split_of
from asr.corpus.utterance import Utterance, is_audio

FORM = "a folder of recordings with transcripts of the same name (x.wav and x.txt; sub-folders too)"
TRANSCRIPT_SUFFIX = ".txt"


def recognises(source: Path) -> bool:
    """Whether one recording at least has a transcript of the same name beside it."""
    if not source.is_dir():
        return False
    transcripts: set[Path] = set()
    recordings: set[Path] = set()
    for path in source.rglob("*"):
        stem, suffix = path.with_suffix(""), path.suffix.lower()
        (transcripts if suffix == TRANSCRIPT_SUFFIX else recordings if is_audio(path) else set()).add(stem)
        if stem in transcripts and stem in recordings:
            return True
    return False


def read(source: Path | str) -> Iterator[Utterance]:
    """Every recording below a folder, sorted by path; its id is the path without the suffix.

    Folders at the top that are named for a split are one. The speaker is the name of the folder that a recording lies
    in, where there is a level of folders below the source (below its split). A transcript without a recording is
    reported where folders hold such pairs, so that a README.txt is not.
    """
    source = Path(source)
    transcripts: dict[Path, Path] = {}
    recordings: list[Path] = []
    for path in sorted(source.rglob("*")):
        if _hidden(path.relative_to(source)) or not path.is_file():
            continue
        if is_audio(path):
            recordings.append(path)
        elif path.suffix.lower() == TRANSCRIPT_SUFFIX:
            transcripts[path.with_suffix("")] = path
    stems = {path.with_suffix("") for path in recordings}
    for path in recordings:
        utterance = _utterance(source, path, path)
        transcript = transcripts.get(path.with_suffix(""))
        if transcript is None:
            yield without_transcript(utterance, path.with_suffix(TRANSCRIPT_SUFFIX))
        else:
            yield with_transcript_file(utterance, transcript)
    folders = {path.parent for path in recordings}
    for stem, path in transcripts.items():
        if stem not in stems and path.parent in folders and not _is_documentation(path):
            yield without_audio(_utterance(source, path, None), path)


def _utterance(source: Path, path: Path, audio: Path | None) -> Utterance:
    relative = path.relative_to(source).with_suffix("")
    folders = relative.parts[:-1]
    split = split_of(folders[0]) if folders else None
    speaker_levels = folders[1:] if split else folders
    return Utterance(
        id=relative.as_posix(),
        audio=audio,
        text=None,
        speaker=speaker_levels[-1] if speaker_levels else None,
        split=split,
    )


def _is_documentation(path: Path) -> bool:
    return path.stem.lower() in ("readme", "license", "licence", "copying", "notice", "changes")


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)
