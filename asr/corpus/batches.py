"""CutSets to batches: lhotse buckets by duration, this module lays the samples side by side."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from lhotse import CutSet, MonoCut
from lhotse.dataset import DynamicBucketingSampler, DynamicCutSampler
from lhotse.dataset.sampling.base import CutSampler
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from asr.audio.recording import AudioProblem
from asr.corpus.cuts import COPY, load_samples
from asr.errors import UserError


@dataclass
class Batch:
    """B utterances: waveform (B, S) in [-1, 1], lengths (B,) samples, their targets as text and as a task's tensors.

    `unreadable` names those that were to be in it, and why their recordings could not be decoded. `augmented` (B,) bool
    says which may be augmented in training, None that all may.
    """

    ids: list[str]
    texts: list[str]
    waveform: Tensor
    lengths: Tensor
    target: tuple[Tensor, ...]
    unreadable: dict[str, AudioProblem] = field(default_factory=dict)
    augmented: Tensor | None = None

    def first(self, count: int) -> "Batch":
        """The first `count` utterances."""
        target = tuple(each[:count] for each in self.target)
        augmented = None if self.augmented is None else self.augmented[:count]
        whole = replace(self, ids=self.ids[:count], texts=self.texts[:count], unreadable={}, augmented=augmented)
        return replace(whole, waveform=self.waveform[:count], lengths=self.lengths[:count], target=target)

    def to(self, device: torch.device) -> "Batch":
        waveform, lengths, *target = (each.to(device) for each in (self.waveform, self.lengths, *self.target))
        augmented = None if self.augmented is None else self.augmented.to(device)
        return replace(self, waveform=waveform, lengths=lengths, target=tuple(target), augmented=augmented)

    def check_whole(self) -> None:
        """Raise UserError for the first recording that cannot be decoded any more."""
        for name, problem in self.unreadable.items():
            raise UserError(f"{name}: {problem.detail} (it could be decoded before); {problem.remedy}")


class SpeechDataset(Dataset):
    """Turns the cuts of one batch into a `Batch`; samples come from `audio` where they are held in memory.

    encode: targets as a task's tensors, batch first.
    """

    def __init__(self, audio: Mapping[str, np.ndarray], encode: Callable[[Sequence[str]], tuple[Tensor, ...]]) -> None:
        self.audio, self.encode = audio, encode

    def __getitem__(self, cuts: CutSet) -> Batch:
        unreadable: dict[str, AudioProblem] = {}
        recordings, readable = [], []
        for cut in cuts:
            try:
                recordings.append(self.audio[cut.id] if cut.id in self.audio else load_samples(cut))
                readable.append(cut)
            except AudioProblem as problem:
                unreadable[cut.id] = problem
        if not readable:
            name, why = next(iter(unreadable.items()))
            raise UserError(f"{name}: {why.detail} (it could be decoded before); {why.remedy}")
        cuts = readable
        texts = [cut.supervisions[0].text for cut in cuts]
        waveform = torch.zeros(len(cuts), max(len(samples) for samples in recordings))
        for row, samples in enumerate(recordings):
            waveform[row, : len(samples)] = torch.from_numpy(as_float(samples))
        lengths = torch.tensor([len(samples) for samples in recordings])
        ids, augmented = [cut.id for cut in cuts], augmented_of(cuts)
        return Batch(ids, texts, waveform, lengths, self.encode(texts), unreadable, augmented)


def augmented_of(cuts: Sequence[MonoCut]) -> Tensor | None:
    """Which of the utterances (B,) may be augmented: all copies but the first; None where none has copies."""
    copies = [(cut.custom or {}).get(COPY, 0) for cut in cuts]
    return torch.tensor([number > 1 for number in copies]) if all(copies) else None


def as_float(samples: np.ndarray) -> np.ndarray:
    """16-bit or float samples as float32 in [-1, 1]."""
    return samples.astype(np.float32) / 32768 if samples.dtype == np.int16 else samples


def next_batch(batches: Iterator[Batch]) -> tuple[Batch | None, float]:
    """The next batch, None after the last, and for how many seconds it had to be waited for."""
    begun = time.monotonic()
    batch = next(batches, None)
    return batch, time.monotonic() - begun


class TimedLoader(DataLoader):
    """A DataLoader that knows for how many seconds its batches had to be waited for."""

    waited_s = 0.0

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # torch names a class of its own
        batches = super().__iter__()
        while True:
            batch, waited_s = next_batch(batches)
            self.waited_s += waited_s
            if batch is None:
                return
            yield batch

    def start_at_epoch(self, epoch: int) -> None:
        """Draw the batches of this epoch next, whichever epochs were drawn before."""
        assert isinstance(self.sampler, CutSampler)
        self.sampler.set_epoch(epoch)

    def use_share_of_process(self, rank: int, world_size: int) -> None:
        """Give out only the batches of process number `rank` out of `world_size`."""
        assert isinstance(self.sampler, CutSampler)
        self.sampler.rank, self.sampler.world_size = rank, world_size


def training_batches(
    cuts: CutSet, dataset: SpeechDataset, batch_seconds: float, batch_utterances: int | None, workers: int, seed: int
) -> TimedLoader:
    """Batches of up to `batch_seconds` of audio, padding included, of similar durations, in a new order each epoch."""
    buckets = min(20, len(cuts) // 20)
    sampler = DynamicBucketingSampler(
        cuts,
        max_duration=max(batch_seconds, max(cut.duration for cut in cuts)),
        max_cuts=batch_utterances,
        num_buckets=buckets,
        duration_bins=None if buckets > 1 else [],  # lhotse estimates the bounds of two buckets or more
        shuffle=True,
        drop_last=False,
        seed=seed,
    )
    return new_loader(sampler, dataset, workers)


def evaluation_batches(cuts: CutSet, dataset: SpeechDataset, batch_seconds: float, workers: int) -> TimedLoader:
    """Every utterance once, on every device alike, longest first, so that memory runs out at once or never."""
    cuts = CutSet.from_cuts(sorted(cuts, key=lambda cut: (-cut.duration, cut.id)))
    sampler = DynamicCutSampler(cuts, max_duration=max(batch_seconds, next(iter(cuts)).duration), world_size=1, rank=0)
    return new_loader(sampler, dataset, workers)


def new_loader(sampler, dataset: SpeechDataset, workers: int) -> TimedLoader:
    return TimedLoader(
        dataset,
        sampler=sampler,
        batch_size=None,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )
