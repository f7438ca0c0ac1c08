"""How long one utterance alone takes."""

from collections.abc import Callable
from statistics import median

from lhotse import CutSet

from asr.corpus.batches import Batch, SpeechDataset

UTTERANCES = 20


def median_latency_s(cuts: CutSet, dataset: SpeechDataset, seconds_for: Callable[[Batch], float]) -> float:
    """Median seconds from a whole recording to what is predicted of it, over single utterances of all durations.

    seconds_for: how long a batch takes, here one of a single utterance.
    """
    by_duration = sorted(cuts, key=lambda cut: (cut.duration, cut.id))
    chosen = by_duration[:: max(1, len(by_duration) // UTTERANCES)]
    seconds = [seconds_for(dataset[CutSet.from_cuts([cut])]) for cut in (chosen[-1], *chosen)]
    return median(seconds[1:])  # the first one only warms up
