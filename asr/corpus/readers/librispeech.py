"""LibriSpeech: <subset>/<speaker>/<chapter>/<speaker>-<chapter>.trans.txt beside the recordings.

https://www.openslr.org/12
"""

from collections.abc import Iterator
from pathlib import Path

from asr.corpus.readers.lines import numbered_lines, reject_not_utf8, without_transcript
from asr.corpus.splits import split_of
from asr.corpus.utterance import Utterance, is_audio

FORM = "LibriSpeech (*.trans.txt beside the recordings)"
TRANSCRIPTS = "*.trans.txt"


def recognises(source: Path) -> bool:
    return source.is_dir() and next(source.rglob(TRANSCRIPTS), None) is not None


def read(source: Path | str) -> Iterator[Utterance]:
    """Every line of every transcript file; splits by the folders' names (train-clean-100, dev-other, test-clean)."""
    source = Path(source)
    for transcripts in sorted(source.rglob(TRANSCRIPTS)):
        split = _split(source, transcripts)
        recordings = {path.stem: path for path in sorted(transcripts.parent.iterdir()) if is_audio(path)}
        for number, line in numbered_lines(transcripts):
            name, _, text = line.strip().partition(" ")
            if not name:
                continue
            utterance = Utterance(name, recordings.pop(name, None), text.strip(), name.split("-")[0], split=split)
            if utterance.audio is None:
                detail = f"{transcripts}, line {number}: there is no recording {name} beside it"
                utterance = utterance.rejected("audio_missing", detail, "put it there, or take the line out")
            yield reject_not_utf8(utterance, transcripts, number)
        for name, path in recordings.items():
            yield without_transcript(Utterance(name, path, None, name.split("-")[0], split=split), transcripts)


def _split(source: Path, transcripts: Path) -> str | None:
    """The split of the first folder below the source that is named for one."""
    return next((split for part in transcripts.relative_to(source).parts[:-1] if (split := split_of(part))), None)
