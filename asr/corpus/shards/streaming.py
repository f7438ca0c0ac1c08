"""A sharded corpus too big for memory: train is read shard after shard, from disk or over HTTP, dev and test at once.

Every worker of every process reads shards of its own, in a new order each time round; several corpora are mixed by
weight. Nothing is held but a buffer from which utterances of similar length are drawn.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice

import numpy as np
import torch
from lhotse import CutSet, SupervisionSegment
from lhotse.cut import Cut
from lhotse.dataset import DynamicBucketingSampler
from lhotse.dataset.dataloading import worker_init_fn
from lhotse.dataset.iterable_dataset import IterableDatasetWrapper
from lhotse.shar.readers.utils import split_by_node, split_by_worker
from torch.utils.data import DataLoader

from asr.audio.recording import AudioProblem
from asr.corpus.batches import Batch, SpeechDataset, next_batch
from asr.corpus.checking import int16_if_exact
from asr.corpus.corpus import Corpus
from asr.corpus.cuts import TRANSCRIPT, facts_of_supervision, load_samples
from asr.corpus.shards.index import Shards, cuts_of, open_lines
from asr.corpus.utterance import SPLITS, Rejection, Seconds, UtteranceFacts
from asr.errors import UserError
from asr.screen import console, print_notes
from asr.task import Unusable

BUCKET_BUFFER = 2000  # utterances that a worker chooses its batches from
BUCKETS = 20
TARGETS_READ = (
    100_000  # of each corpus that tokens or labels are learnt from; utterances lie in the shards in random order
)
SHUFFLE_BUFFER = 1000  # utterances among which the next one of a stream is drawn


@dataclass
class Stream:
    """The training split of one or more sharded corpora, `weights` being how often each is drawn from."""

    corpora: Sequence[Shards]
    weights: Sequence[float]
    target_of: Callable[[UtteranceFacts], str]
    sample_rate: int
    utterances: int = field(init=False)
    seconds: Seconds = field(init=False)

    def __post_init__(self) -> None:
        self.utterances = sum(shards.splits["train"]["utterances"] for shards in self.corpora)
        self.seconds = sum(shards.splits["train"]["seconds"] for shards in self.corpora)

    def __len__(self) -> int:
        return self.utterances

    @property
    def fewest_shards(self) -> int:
        """Of any of the corpora: no more readers can have some of each."""
        return min(len(shards.shards("train")) for shards in self.corpora)

    def duration_bins(self) -> list[Seconds]:
        """The bounds between BUCKETS classes of utterances with as many seconds each, by every corpus's first shard."""
        seconds = []
        for shards in self.corpora:
            with open_lines(shards.shards("train")[0]["cuts"]) as lines:
                seconds += [json.loads(line)["duration"] for line in lines]
        seconds.sort()
        totals = np.cumsum(seconds)
        bounds = np.searchsorted(totals, totals[-1] * np.arange(1, BUCKETS) / BUCKETS)
        return sorted({seconds[bound] for bound in bounds})

    def targets(self) -> Iterator[str]:
        """The targets of the first TARGETS_READ utterances of every corpus, from the manifests alone."""
        for shards in self.corpora:
            yield from islice(self._targets_of(shards), TARGETS_READ)

    def _targets_of(self, shards: Shards) -> Iterator[str]:
        for shard in shards.shards("train"):
            with open_lines(shard["cuts"]) as lines:
                for line in lines:
                    (spoken,) = json.loads(line)["supervisions"]
                    yield target_or_empty(self.target_of, SupervisionSegment.from_dict(spoken))

    def cuts(self, seed: int) -> CutSet:
        """Without end, each time round in another order; this worker's share of the shards alone."""
        streams = [
            CutSet(EndlessCuts(shards.shards("train"), seed)).map(
                SetTarget(self.target_of, self.sample_rate, shards.prefix)
            )
            for shards in self.corpora
        ]
        mixed = streams[0] if len(streams) == 1 else CutSet.mux(*streams, weights=list(self.weights), seed=seed)
        return mixed.shuffle(rng=random.Random(seed), buffer_size=SHUFFLE_BUFFER)


class EndlessCuts:
    """The cuts of this worker's share of the shards, again and again, each time in another order.

    What cannot be read of a damaged shard is left out, with a note.
    """

    def __init__(self, shards: Sequence[dict[str, str]], seed: int) -> None:
        self.shards, self.seed = shards, seed

    def __iter__(self) -> Iterator[Cut]:
        mine = list(split_by_worker(split_by_node(self.shards)))
        for time_round in count():
            random.Random(self.seed + time_round).shuffle(mine)
            found = False
            for shard in mine:
                for cut in cuts_of(shard, on_damage=lambda problem: print_notes(console(), [problem])):
                    found = True
                    yield cut
            if not found:
                raise UserError(f"{self.shards[0]['cuts']}: no shard can be read; shard the corpus anew")


@dataclass(frozen=True)
class SetTarget:
    """A cut as a Corpus has it: its text the target, recording at the corpus's rate in Hz, `prefix` before the id."""

    target_of: Callable[[UtteranceFacts], str]
    sample_rate: int
    prefix: str = ""

    def __call__(self, cut: Cut) -> Cut:
        cut.id = self.prefix + cut.id
        supervision = cut.supervisions[0]
        target = target_or_empty(self.target_of, supervision)
        supervision.custom = {**(supervision.custom or {}), TRANSCRIPT: supervision.text}
        supervision.text = target
        supervision.speaker = supervision.speaker or cut.id
        return cut if cut.sampling_rate == self.sample_rate else cut.resample(self.sample_rate)


def target_or_empty(target_of: Callable[[UtteranceFacts], str], supervision: SupervisionSegment) -> str:
    """The target; an empty one where there is none, which the training leaves out by name."""
    try:
        return target_of(facts_of_supervision(supervision))
    except Unusable:
        return ""


class StreamLoader:
    """Batches of a Stream; an epoch is as many of them as hold the corpora's seconds once, the same on every device."""

    waited_s = 0.0

    def __init__(self, stream: Stream, dataset: SpeechDataset, batch_seconds: float, workers: int, seed: int) -> None:
        self.stream, self.dataset, self.batch_seconds = stream, dataset, batch_seconds
        self.workers, self.seed = workers, seed
        self.rank, self.world_size, self.first_epoch = 0, 1, 0
        self.sampler = self  # whose set_epoch Lightning calls
        self.endless: Iterator[Batch] | None = None

    def __len__(self) -> int:
        return max(1, round(self.stream.seconds / (self.batch_seconds * self.world_size)))

    def __iter__(self) -> Iterator[Batch]:
        if self.endless is None:
            self.endless = iter(self._loader())
        for _ in range(len(self)):
            batch, waited_s = next_batch(self.endless)
            self.waited_s += waited_s
            if batch is None:
                return
            yield batch

    def set_epoch(self, epoch: int) -> None:
        """What is read follows from the seed and from the epoch that training begins or goes on with."""
        if self.endless is None:
            self.first_epoch = epoch

    def start_at_epoch(self, epoch: int) -> None:
        """Read from this epoch on, whichever epochs were read before."""
        self.first_epoch, self.endless = epoch, None

    def use_share_of_process(self, rank: int, world_size: int) -> None:
        """Read only the shards of process number `rank` out of `world_size`; UserError where there are too few."""
        if self.stream.fewest_shards < world_size:
            raise UserError(
                f"{self.stream.fewest_shards} shards for {world_size} processes; "
                "make them smaller: asr shard --shard-size"
            )
        self.rank, self.world_size, self.endless = rank, world_size, None

    def _loader(self) -> DataLoader:
        seed = self.seed + self.first_epoch
        sampler = DynamicBucketingSampler(
            self.stream.cuts(seed),
            max_duration=self.batch_seconds,
            duration_bins=self.stream.duration_bins(),
            buffer_size=BUCKET_BUFFER,
            shuffle=True,
            seed=seed,
            rank=0,
            world_size=1,
        )
        workers = min(self.workers, self.stream.fewest_shards // self.world_size)
        return DataLoader(
            IterableDatasetWrapper(self.dataset, sampler),
            batch_size=None,
            num_workers=workers,
            worker_init_fn=WorkerStart(self.rank, self.world_size, self.seed) if workers else None,
            pin_memory=torch.cuda.is_available(),
        )


@dataclass(frozen=True)
class WorkerStart:
    """Tells a worker whose shards it reads."""

    rank: int
    world_size: int
    seed: int

    def __call__(self, worker: int) -> None:
        worker_init_fn(worker, rank=self.rank, world_size=self.world_size, seed=self.seed)


def streamed_corpus(
    corpora: Sequence[Shards],
    weights: Sequence[float | None],
    target_of: Callable[[UtteranceFacts], str],
    sample_rate: int | None,
) -> Corpus:
    """A Corpus whose train is a Stream; dev and test of all corpora are decoded into memory.

    A weight of None is a corpus's hours. Raises UserError where a split is missing.
    """
    for split in SPLITS:
        if not any(split in shards.splits for shards in corpora):
            raise UserError(f"{corpora[0].base}: has no {split}; shard it anew with data.{split}_fraction above 0")
    training = [shards for shards in corpora if "train" in shards.splits]
    rate = sample_rate or training[0].sample_rate
    drawn = [
        shards.splits["train"]["seconds"] if weight is None else weight
        for shards, weight in zip(corpora, weights, strict=True)
        if "train" in shards.splits
    ]
    stream = Stream(training, drawn, target_of, rate)
    many = sum(len(shards.shards("train")) for shards in training)
    notes = [f"{', '.join(shards.base for shards in corpora)}: train is read from {many} shards as training goes"]
    corpus = corpus_in_memory(corpora, ("dev", "test"), target_of, rate)
    corpus.splits["train"], corpus.notes = stream, notes + corpus.notes
    return corpus


def corpus_in_memory(
    corpora: Sequence[Shards], splits: Sequence[str], target_of: Callable[[UtteranceFacts], str], sample_rate: int
) -> Corpus:
    """A Corpus of these splits of all corpora, decoded into memory. Raises UserError where one has nothing."""
    found = Corpus({}, [], [], {}, sample_rate)
    for split in splits:
        kept = []
        for shard, prefix in [(shard, each.prefix) for each in corpora for shard in each.shards(split)]:
            for cut in cuts_of(shard, on_damage=found.notes.append):
                try:
                    cut = SetTarget(target_of, sample_rate, prefix)(cut)
                    found.audio[cut.id] = int16_if_exact(load_samples(cut))
                except AudioProblem as problem:
                    why = (problem.reason, problem.detail, problem.remedy)
                    found.rejected.append(Rejection(cut.id, shard["recording"], split, *why))
                    continue
                source = cut.recording.sources[0]
                source.type, source.source = "url", shard["recording"]  # the samples are held, the bytes are not
                kept.append(cut)
        if not kept:
            raise UserError(f"{corpora[0].base}: has nothing of {split} that can be read; shard it anew")
        found.splits[split] = CutSet.from_cuts(kept)
    return found
