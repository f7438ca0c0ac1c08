"""From a plan and a corpus to a trained model in its run folder."""

import os
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import pytorch_lightning as lightning
import torch
from lhotse import CutSet
from pytorch_lightning import Callback
from rich.console import Console
from torch.utils.data import DataLoader

from asr.corpus.batches import SpeechDataset, TimedLoader, evaluation_batches, training_batches
from asr.corpus.copies import with_copies
from asr.corpus.corpus import Corpus, seconds_of, targets_of
from asr.corpus.folds import with_fold_as_dev, with_share_of_train
from asr.corpus.shards.streaming import StreamLoader
from asr.corpus.source import notes_of_rejected, reject_more, write_rejected
from asr.model.features import CorpusNormalization
from asr.runs.folder import RunFolder
from asr.runs.model_folder import TrainedModel, load_model, new_model
from asr.screen import clock, print_notes
from asr.task import FittedAtOnce
from asr.training.at_once import Pass, fit_at_once, fit_head
from asr.training.fitting import budget_of, choose_precision, fit
from asr.training.forecast import seconds_of_epochs
from asr.training.left_out import leave_out_unusable, left_out_in_training, note_of_left_out
from asr.training.module import Training
from asr.training.plan import Batching, Part, Plan
from asr.training.summary import announce, describe, parameters

BATCHES_FOR_NORMALIZATION = 200
ONE_PASS = "one pass over the training utterances"


@dataclass(frozen=True)
class Fitted:
    """What a training leaves, beside its run's folder; `figures` is its part of metrics.json."""

    corpus: Corpus
    dataset: SpeechDataset
    figures: dict[str, Any]
    device: torch.device


def fit_model(
    plan: Plan,
    run: RunFolder,
    corpus: Corpus,
    screen: Console,
    callbacks: Sequence[Callback] = (),
    write_artifacts: bool = True,
) -> Fitted | None:
    """Train one model on a corpus; None in all of several processes but the first.

    write_artifacts: whether the run is more than one trial of many: its manifests are written then, and what stands
    beside the network is learnt, which takes seconds and does not bear upon the rest.
    """
    lightning.seed_everything(plan.seed, verbose=False)
    task = plan.task
    corpus = fold_and_subset(corpus, plan.part, task.by_speaker, screen)
    if write_artifacts:
        write_manifests(run, corpus)
    training = corpus.splits["train"]
    task.learn_from_targets(targets_of(training), run.path, len(training))
    trained = TrainedModel(new_model(plan.parts, task, corpus.sample_rate), task, corpus.sample_rate, plan.parts)
    module = Training(
        trained.model, task, plan.augmentation(corpus.sample_rate), plan.optimizer, plan.trainer.gradient_norm
    )
    leave_out(corpus, trained, run, plan.max_rejected, screen)
    distinct = corpus.splits["train"]
    corpus = multiplied(corpus, plan, screen)

    dataset = SpeechDataset(corpus.audio, task.encode)
    batches = batches_of(plan.batching, corpus, dataset, plan.seed)
    fit_normalization(module.model.features, batches["train"])
    if write_artifacts:
        task.learn_from_audio(distinct, dataset, batches["train"], corpus.sample_rate)
    first = next(iter(batches["train"]))
    head, budget = module.model.head, budget_of(plan, corpus)
    at_once = isinstance(head, FittedAtOnce) and not head.trained_first
    precision, why = ("32-true", "nothing is trained step by step") if at_once else choose_precision(module, first, run)
    facts = describe(module, plan.parts, corpus.splits, first, corpus.sample_rate)
    facts |= {
        "precision": f"{precision} ({why})",
        "budget": "one pass over the training utterances"
        if at_once
        else length_of(plan, module, batches, precision, corpus),
        "results": str(run.path),
        "watch": f"tensorboard --logdir {run.path}",
    }
    announce(screen, facts)

    device, first_process = torch.device("cpu"), True
    try:
        if at_once:
            fit_at_once(module, trained, run, batches["train"], batches["dev"], budget, plan.seed)
        else:
            trainer = fit(plan, run, module, trained, batches, budget, precision, screen, callbacks)
            device, first_process = trainer.strategy.root_device, trainer.is_global_zero
            if isinstance(head, FittedAtOnce) and first_process:
                fit_head_of_best(module, run, batches["train"], plan)
    finally:
        left_out = left_out_in_training(module, corpus.splits["train"])
        write_rejected(run.rejected, corpus.rejected + left_out)
        if module.global_rank == 0:
            print_notes(screen, [note_of_left_out(left_out, run.rejected)])
    figures = {
        "seconds": round(budget.seconds, 1),
        "epochs": budget.epochs_done,
        "audio_seconds_per_second": round(budget.throughput, 1),
        "data_wait_share": round(budget.waiting, 4),
        "peak_memory_mib": peak_memory_mib(),
        "parameters": parameters(module.model),
        **({"splits": corpus.divided} if corpus.divided else {}),
    }
    return Fitted(corpus, dataset, figures, device) if first_process else None


def fit_head_of_best(module: Training, run: RunFolder, batches: TimedLoader | StreamLoader, plan: Plan) -> None:
    """Fit the head of the best weights of a training, and save it with them."""
    if not run.model.is_dir():
        return  # no weights were fit to be saved, which is said where they are wanted
    best = load_model(run.model)
    module.model.load_state_dict(best.model.state_dict())
    head = module.model.head
    assert isinstance(head, FittedAtOnce)
    fit_head(head, Pass(module, batches, best.sample_rate), plan.seed)
    replace(best, model=module.model).save(run.model)


def length_of(plan: Plan, module: Training, batches: Mapping[str, Any], precision: str, corpus: Corpus) -> str:
    """The budget in words; of epochs also how long they will take here, where a processor computes them."""
    if plan.minutes:
        return f"{plan.minutes:g} minutes"
    if plan.trainer.accelerator not in ("auto", "cpu") or torch.cuda.is_available():
        return f"{plan.epochs} epochs"
    audio_seconds = seconds_of(corpus.splits["train"]), seconds_of(corpus.splits["dev"])
    seconds = seconds_of_epochs(
        module, batches["train"], batches["dev"], precision, audio_seconds, corpus.sample_rate, plan.epochs
    )
    return f"{plan.epochs} epochs, about {clock(seconds)} here"


def fold_and_subset(corpus: Corpus, part: Part, by_speaker: bool, screen: Console) -> Corpus:
    """A corpus of its own for one training: the fold and the share of train that are asked for."""
    chosen = with_fold_as_dev(corpus, part.folds, part.fold, by_speaker) if part.folds else corpus
    chosen = with_share_of_train(chosen, part.train_share)
    print_notes(screen, chosen.notes[len(corpus.notes) :])
    return replace(chosen, splits=dict(chosen.splits), rejected=list(chosen.rejected))


def multiplied(corpus: Corpus, plan: Plan, screen: Console) -> Corpus:
    """The corpus with the copies of training utterances that are asked for."""
    chosen = with_copies(corpus, plan.part.copies)
    notes = chosen.notes[len(corpus.notes) :]
    if plan.part.copies > 1 and not plan.augment:
        notes.append("augment=none: all copies are the same; choose some, such as augment=[white_noise,time_shift]")
    print_notes(screen, notes)
    return chosen


def write_manifests(run: RunFolder, corpus: Corpus) -> None:
    (run.path / "data").mkdir(exist_ok=True)
    for split, cuts in corpus.splits.items():
        if isinstance(cuts, CutSet):
            cuts.to_file(run.path / "data" / f"{split}.jsonl.gz")


def leave_out(corpus: Corpus, trained: TrainedModel, run: RunFolder, max_rejected: float, screen: Console) -> None:
    """Take out of train what cannot be learnt, and name that and what is held out and cannot be right."""
    corpus.splits["train"], unusable = leave_out_unusable(corpus.splits["train"], trained.model, trained.task)
    reject_more(corpus, unusable, run.rejected, max_rejected)
    checked = {split: part for split, part in corpus.splits.items() if isinstance(part, CutSet)}
    remarks = [each for split, part in checked.items() for each in trained.task.unpredictable_utterances(split, part)]
    corpus.rejected += remarks
    write_rejected(run.rejected, corpus.rejected)
    print_notes(screen, notes_of_rejected(remarks))


def batches_of(batching: Batching, corpus: Corpus, dataset: SpeechDataset, seed: int) -> Mapping[str, Any]:
    """The batches of train and of dev."""
    training = corpus.splits["train"]
    streamed = not isinstance(training, CutSet)
    in_memory = not streamed and all(corpus.in_memory(cut) for cuts in corpus.splits.values() for cut in cuts)
    workers = batching.workers
    if workers is None:
        workers = 0 if in_memory else max(1, (os.cpu_count() or 2) - 1)
    dev = evaluation_batches(corpus.splits["dev"], dataset, 2 * batching.batch_seconds, 0 if streamed else workers)
    if streamed:
        return {"train": StreamLoader(training, dataset, batching.batch_seconds, workers, seed), "dev": dev}
    train = training_batches(training, dataset, batching.batch_seconds, batching.batch_utterances, workers, seed)
    return {"train": train, "dev": dev}


def fit_normalization(features, batches: DataLoader) -> None:
    """Give a CorpusNormalization its mean and deviation from the training data."""
    if isinstance(features.normalization, CorpusNormalization):
        chosen = islice(batches, BATCHES_FOR_NORMALIZATION)
        with torch.no_grad():
            features.normalization.fit(features.raw(batch.waveform, batch.lengths) for batch in chosen)


def peak_memory_mib() -> int:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() >> 20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
