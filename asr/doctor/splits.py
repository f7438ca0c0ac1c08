"""What makes the score of a split less reliable: speakers and sentences shared with train, or too few words."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asr.doctor.findings import Finding
from asr.doctor.transcripts import repeats_prompts

MIN_WORDS = 1000  # of a test set; the 95 % interval of a WER of 20 % is then about ±2.5 points wide, speakers apart
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class UtteranceInSplit:
    """An utterance and the split that it is in."""

    id: str
    split: str
    speaker: str | None
    text: str


def shared_with_train(placed: Sequence[UtteranceInSplit]) -> Iterator[Finding]:
    """Speakers and sentences of dev or test that are in train too."""
    voices = {each.speaker for each in placed if each.split == "train" and each.speaker is not None}
    sentences = {each.text for each in placed if each.split == "train"}
    speakers = {each.speaker for each in placed}
    prompts = repeats_prompts([each.text for each in placed])
    for split in ("dev", "test"):
        members = [each for each in placed if each.split == split]
        shared = sorted({each.speaker for each in members if each.speaker is not None} & voices)
        if shared and len(speakers) == 1:
            value = f"{shared[0]} is the only speaker: the score of {split} says nothing about other voices"
            yield Finding("speaker_leak", "", value)
        elif shared:
            named = ", ".join(shared[:MOST_NAMED]) + (", …" if len(shared) > MOST_NAMED else "")
            count = sum(each.speaker in voices for each in members)
            yield Finding(
                "speaker_leak", "", f"{split} and train share {len(shared)} speakers ({named}), {count} utterances"
            )
        known = [each for each in members if each.text in sentences]
        if known:
            share = f"{len(known)} of {len(members)} sentences of {split} are in train"
            says = "; the corpus repeats its sentences, and the score says nothing about others" if prompts else ""
            yield Finding("sentence_leak", "", f"{share}, {known[0].id} for example: {known[0].text}{says}")


def small_splits(placed: Sequence[UtteranceInSplit]) -> Iterator[Finding]:
    """Splits with too few words for a reliable score."""
    for split in ("dev", "test"):
        words = sum(len(each.text.split()) for each in placed if each.split == split)
        if 0 < words < MIN_WORDS:
            half = 196 * math.sqrt(0.2 * 0.8 / words)
            value = f"{split} has {words} words: a WER of 20 % is known to ±{half:.1f} points at best"
            yield Finding("split_small", "", value)
