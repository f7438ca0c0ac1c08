"""Fit the model of word times to some of the training recordings."""

import random
from collections.abc import Iterable, Iterator

import torch
from lhotse import CutSet

from asr.alignment.hmm import CharacterHMM, Recordings
from asr.corpus.batches import Batch, SpeechDataset, evaluation_batches
from asr.corpus.corpus import StreamedSplit

ENOUGH_S = 1200.0  # seconds of speech; more makes times no more exact
BATCH_S = 60.0


def fit_timing(
    cuts: CutSet | StreamedSplit, dataset: SpeechDataset, streamed: Iterable[Batch], sample_rate: int
) -> CharacterHMM | None:
    """Learn from a part of the training cuts drawn at random, or from the first batches where they are streamed."""
    batches = evaluation_batches(random_cuts(cuts), dataset, BATCH_S, 0) if isinstance(cuts, CutSet) else streamed
    with torch.random.fork_rng(devices=[]):  # a loader draws a seed, and the training is to be what it was without this
        return CharacterHMM.fit(first_recordings(batches, sample_rate), sample_rate)


def random_cuts(cuts: CutSet) -> CutSet:
    """Randomly chosen cuts of ENOUGH_S seconds in all, the same ones every time."""
    cuts, seconds, chosen = list(cuts), 0.0, []
    for cut in random.Random(0).sample(cuts, len(cuts)):
        if seconds >= ENOUGH_S:
            break
        chosen.append(cut)
        seconds += cut.duration
    return CutSet.from_cuts(chosen)


def first_recordings(batches: Iterable[Batch], sample_rate: int) -> Iterator[Recordings]:
    samples = 0
    for batch in batches:
        yield Recordings(batch.waveform, batch.lengths, batch.texts)
        samples += int(batch.lengths.sum())
        if samples >= ENOUGH_S * sample_rate:
            return
