"""What there is to hear and to see of a transcribed utterance: sound, picture, words with their times, token curves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lhotse import CutSet
from rich.console import Console

from asr.corpus.batches import Batch, SpeechDataset, evaluation_batches
from asr.report.clips import PAGE_BYTES, choose_clips, sounds_and_pictures
from asr.screen import progress_bar
from asr.tasks.transcribe.scoring.views import Curve, View
from asr.tasks.transcribe.timing.words import Word

BATCH_SECONDS = 120  # of audio in memory at once


@dataclass(frozen=True)
class Clip:
    """Sound and picture as files, and what lies over the picture.

    reference, hypothesis: words with their times; the reference's are empty where CTC cannot align it.
    curves: of each stretch in which a token was likely its piece, its first frame, and its posteriors as `LEVELS`.
    """

    sound: bytes
    sound_type: str
    picture: bytes
    seconds: float
    frame_s: float
    reference: list[Word]
    hypothesis: list[Word]
    curves: list[Curve]


def choose(lines: Sequence[Mapping[str, Any]], room: int = PAGE_BYTES) -> list[str]:
    """Ids of the utterances to hear, as `choose_clips`; lines: those of hypotheses.jsonl, the worst by their `wer`."""
    return choose_clips(sorted(lines, key=lambda line: (-line["wer"], -line["duration"], line["id"])), room)


def make_clips(
    sample_rate: int,
    frame_s: float,
    cuts: CutSet,
    dataset: SpeechDataset,
    lines: Sequence[Mapping[str, Any]],
    views: Mapping[str, View],
    screen: Console,
    room: int = PAGE_BYTES,
) -> dict[str, Clip]:
    """Clips, by id, of those utterances of a split that fit into a page of `room` bytes, made of their audio alone.

    frame_s: seconds of a frame of the model; lines: of hypotheses.jsonl; views: what the model's pass kept of each.
    """
    chosen = set(choose(lines, room))
    if not chosen:
        return {}
    batches = evaluation_batches(cuts.filter(lambda cut: cut.id in chosen).to_eager(), dataset, BATCH_SECONDS, 0)
    with progress_bar(screen, "report") as on_progress:
        some = [line for line in lines if line["id"] in chosen]
        return clips_of(sample_rate, frame_s, batches, some, views, on_progress)


def clips_of(
    sample_rate: int,
    frame_s: float,
    batches: Iterable[Batch],
    lines: Iterable[Mapping[str, Any]],
    views: Mapping[str, View],
    on_progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> dict[str, Clip]:
    """A clip of every utterance of the batches that could be decoded, by its id; lines: theirs of hypotheses.jsonl."""
    by_id = {line["id"]: line for line in lines}
    clips: dict[str, Clip] = {}
    for name, recorded in sounds_and_pictures(sample_rate, batches):
        hypothesis = [Word(**word) for word in by_id[name]["words"]]
        clips[name] = Clip(*recorded, frame_s, views[name].reference, hypothesis, views[name].curves)
        on_progress(len(clips), len(by_id))
    return clips
