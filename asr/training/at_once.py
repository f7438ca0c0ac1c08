"""Fits what is fitted to all training utterances together: in one pass over them."""

import time
from collections.abc import Iterator
from itertools import chain

import torch
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from asr.corpus.batches import Batch, TimedLoader
from asr.corpus.shards.streaming import StreamLoader
from asr.runs.folder import RunFolder
from asr.runs.model_folder import TrainedModel
from asr.task import FittedAtOnce
from asr.training.budget import Budget
from asr.training.module import Training
from asr.writing import write_json_lines

Gathered = tuple[Tensor, Tensor, tuple[Tensor, ...]]


class Pass:
    """Hidden frames, lengths and targets of the training batches, once.

    Of utterances that have copies the first is seen as it is, the others as `augment` changes them. seconds,
    audio_seconds: spent and seen so far.
    """

    def __init__(self, module: Training, batches: TimedLoader | StreamLoader, sample_rate: int) -> None:
        self.module, self.batches, self.sample_rate = module, batches, sample_rate
        self.audio_seconds, self.begun = 0.0, time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    @torch.inference_mode()
    def __iter__(self) -> Iterator[Gathered]:
        self.module.eval()
        self.batches.start_at_epoch(0)
        for batch in self.batches:
            changes = batch.augmented is not None
            self.module.augment.train(changes)
            self.module.model.features.train(changes)
            self.module.unreadable |= batch.unreadable
            self.audio_seconds += float(batch.lengths.sum()) / self.sample_rate
            yield self.gathered(batch)

    def gathered(self, batch: Batch) -> Gathered:
        waveform, samples = self.module.augment.waveform(batch.waveform, batch.lengths, batch.augmented)
        frames, lengths = self.module.model.features(waveform, samples)
        frames, lengths = self.module.augment.frames(frames, lengths, batch.augmented)
        return *self.module.model.encoder(frames, lengths), batch.target


def fit_head(head: FittedAtOnce, seen: Pass, seed: int) -> None:
    """Fit a head to the training batches; the encoder stays as it is."""
    seen.module.model.to("cpu")
    head.fit(iter(seen), seed)


def fit_at_once(
    module: Training,
    trained: TrainedModel,
    run: RunFolder,
    batches: TimedLoader | StreamLoader,
    dev: TimedLoader,
    budget: Budget,
    seed: int,
) -> None:
    """Fit a model that has nothing to train step by step, save it, and write its dev rates into the run's folder."""
    head = module.model.head
    assert isinstance(head, FittedAtOnce)
    seen = Pass(module, batches, trained.sample_rate)
    fit_head(head, seen, seed)
    trained.save(run.model)
    budget.seconds_before, budget.audio_seconds = seen.seconds, seen.audio_seconds
    budget.step_seconds, budget.epochs_done = seen.seconds, 1
    rates = rates_on_dev(module, dev)
    line = {"step": 1, "epoch": 1, "seconds": round(seen.seconds, 1), "train_loss": None, "dev_loss": None}
    line |= {f"dev_{name}": rate for name, rate in rates.items()} | {"learning_rate": None}
    write_json_lines(run.history, [line])
    board = TensorBoardLogger(run.path, name="", version="tensorboard")
    board.log_metrics({f"{name}/dev": rate for name, rate in rates.items()}, 1)
    board.finalize("success")


@torch.inference_mode()
def rates_on_dev(module: Training, dev: TimedLoader) -> dict[str, float]:
    """The task's rates on the dev set."""
    module.eval()
    references, predictions = [], []
    for batch in dev:
        references.append(batch.texts)
        predictions.append(module.task.predict(*module.model(batch.waveform, batch.lengths)))
    return module.task.score(list(chain(*references)), list(chain(*predictions)))
