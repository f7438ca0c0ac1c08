"""Fit one model: python train.py encoder=transformer data.source=PATH (--help lists everything)."""

import json
import logging
import os
import resource
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytorch_lightning as lightning
import torch
from hydra.utils import instantiate
from lhotse import CutSet
from omegaconf import DictConfig
from pytorch_lightning import Callback

from asr.configuration.compose import run_entry_point, settings
from asr.corpus.batches import SpeechDataset, evaluation_batches, training_batches
from asr.corpus.corpus import Corpus, texts_of
from asr.corpus.folds import in_fold, share_of
from asr.corpus.shards.index import sharded_corpora
from asr.corpus.shards.streaming import StreamLoader, streamed_corpus
from asr.corpus.source import load_with_progress, open_source, reject_more, write_rejected
from asr.corpus.utterance import SPLITS
from asr.doctor.glance import glance
from asr.errors import UserError
from asr.model.augment import Augmentation
from asr.report.run import write_report
from asr.runs.folder import RunFolder, flat, open_run
from asr.screen import clock, console, tell
from asr.task import Measured
from asr.tasks.transcribe.report.clips import make_clips
from asr.tasks.transcribe.scoring.measurement import calibrate, score_split, transcribe_split
from asr.tasks.transcribe.scoring.tables import print_scores
from asr.tasks.transcribe.text.unknown import notes_of_unknown, unknown_characters
from asr.tasks.transcribe.text.word_counts import read_word_counts, write_word_counts
from asr.tasks.transcribe.timing.fitting import fit_timing
from asr.training.alignable import fit_normalization, leave_out_infeasible, left_out_in_training, note_of_left_out
from asr.training.fitting import budget_of, choose_precision, fit
from asr.training.module import CTCTraining
from asr.training.records import Hyperparameters
from asr.training.summary import announce, describe, parameters
from asr.use.recognizer import FORMAT, Recognizer, build_decoder, build_model, load
from asr.writing import write_json, write_json_lines

PURPOSE = "Train a speech recogniser with CTC and measure it on held-out speech."
REPORT_BYTES = 5_500_000  # about 300 utterances to hear, in seconds; evaluate.py makes a page with three times as many


def train(config: DictConfig) -> dict:
    """Corpus, model, fit, evaluation, report; returns what metrics.json holds."""
    screen = console()
    run = open_run(config)
    if run.finished:
        screen.print(f"{run.path} is finished already; another run_dir or name trains anew", soft_wrap=True)
        return json.loads(run.metrics.read_text("utf-8"))
    corpus = read_corpus(config, screen, run.rejected)
    learnt = learn(config, run, corpus, screen, [Hyperparameters(flat(settings(config)))])
    if learnt is None:
        return {}  # the first of several processes scores and reports
    return close(config, run, learnt, screen)


def read_corpus(config: DictConfig, screen, rejected_file: Path) -> Corpus:
    data = config.data
    if (sharded := sharded_corpora(data)) is not None:
        corpus = streamed_corpus(*sharded, instantiate(config.text), data.sample_rate)
        tell(screen, corpus.notes)
        return corpus
    utterances = open_source(data.source, instantiate(data.reader), lambda: instantiate(data.synthetic)(), data.text)
    corpus = load_with_progress(
        utterances,
        screen,
        rejected_file,
        SPLITS,
        normalize=instantiate(config.text),
        sample_rate=data.sample_rate,
        dev_fraction=data.dev_fraction,
        test_fraction=data.test_fraction,
        max_rejected=data.max_rejected,
        max_utterance_seconds=data.max_utterance_seconds,
        cache_gib=data.cache_gib,
        cache_dir=data.cache_dir,
    )
    for split, cuts in corpus.splits.items():
        if not len(cuts):
            raise UserError(f"the {split} split is empty: training needs one; set data.{split}_fraction above 0")
    tell(screen, [*corpus.notes, *glance(corpus)])
    return corpus


@dataclass(frozen=True)
class Learnt:
    """What a training leaves, beside its run's folder; `figures` is its part of metrics.json."""

    corpus: Corpus
    dataset: SpeechDataset
    figures: dict
    device: torch.device


def learn(
    config: DictConfig, run: RunFolder, corpus: Corpus, screen, callbacks: Sequence[Callback] = (), kept: bool = True
) -> Learnt | None:
    """Model and training from the configuration, fitted to a corpus; None in all of several processes but the first.

    kept: whether the run is more than one trial of many: its manifests are written then, and when words are said is
    learnt, which takes seconds and does not bear upon the rest.
    """
    lightning.seed_everything(config.seed, verbose=False)
    corpus = chosen_part(config.data, corpus, screen)
    if kept:
        write_manifests(run, corpus)
    module, recognizer = build(config, corpus)
    corpus.splits["train"], infeasible = leave_out_infeasible(corpus.splits["train"], module.model, module.tokenizer)
    reject_more(corpus, infeasible, run.rejected, config.data.max_rejected)
    write_word_counts(run.path, texts_of(corpus.splits["train"]), len(corpus.splits["train"]))
    checked = {split: part for split, part in corpus.splits.items() if isinstance(part, CutSet)}
    unknown = [each for split, part in checked.items() for each in unknown_characters(split, part, module.tokenizer)]
    corpus.rejected += unknown
    write_rejected(run.rejected, corpus.rejected)
    tell(screen, notes_of_unknown(unknown))

    dataset = SpeechDataset(corpus.audio, module.tokenizer)
    batches = batches_of(config, corpus, dataset)
    fit_normalization(module.model.features, batches["train"])
    if kept:
        recognizer.timing = fit_timing(corpus.splits["train"], dataset, batches["train"], corpus.sample_rate)
    first = next(iter(batches["train"]))
    precision, why = choose_precision(module, first, run)
    facts = describe(module, corpus.splits, first, corpus.sample_rate)
    budget = budget_of(config, corpus)
    length = f"{config.budget.minutes:g} minutes" if config.budget.minutes else f"{config.budget.epochs} epochs"
    facts |= {"precision": f"{precision} ({why})", "budget": length, "results": str(run.path)}
    facts["watch"] = f"tensorboard --logdir {run.path}"
    announce(screen, facts)

    try:
        trainer = fit(config, run, module, recognizer, batches, budget, precision, screen, callbacks)
    finally:
        left_out = left_out_in_training(module, corpus.splits["train"])
        write_rejected(run.rejected, corpus.rejected + left_out)
        if module.global_rank == 0:
            tell(screen, [note_of_left_out(left_out, run.rejected)])
    figures = {
        "seconds": round(budget.seconds, 1),
        "epochs": budget.epochs_done,
        "audio_seconds_per_second": round(budget.throughput, 1),
        "data_wait_share": round(budget.waiting, 4),
        "peak_memory_mib": peak_memory_mib(),
        "parameters": parameters(module.model),
    }
    return Learnt(corpus, dataset, figures, trainer.strategy.root_device) if trainer.is_global_zero else None


def chosen_part(data: DictConfig, corpus: Corpus, screen) -> Corpus:
    """A corpus of its own for one training: the fold and the share that the configuration asks for."""
    part = in_fold(corpus, data.folds, data.fold) if data.folds else corpus
    part = share_of(part, data.train_share)
    tell(screen, part.notes[len(corpus.notes) :])
    return replace(part, splits=dict(part.splits), rejected=list(part.rejected))


def write_manifests(run: RunFolder, corpus: Corpus) -> None:
    (run.path / "data").mkdir(exist_ok=True)
    for split, cuts in corpus.splits.items():
        if isinstance(cuts, CutSet):
            cuts.to_file(run.path / "data" / f"{split}.jsonl.gz")


def build(config: DictConfig, corpus: Corpus) -> tuple[CTCTraining, Recognizer]:
    """Tokenizer from the training transcripts, then model, loss, augmentation and optimizer from their groups."""
    rate = corpus.sample_rate
    tokenizer = instantiate(config.tokenizer)(list(texts_of(corpus.splits["train"])))
    parts = {name: settings(config[name]) for name in ("features", "encoder")}
    model = build_model(config, rate, tokenizer.size)
    augment = Augmentation({name: instantiate(part, sample_rate=rate) for name, part in config.augment.items()})
    decoding = settings(config.decoder)
    normalize = instantiate(config.text)
    decoder = build_decoder(decoding, tokenizer, normalize)
    module = CTCTraining(
        model,
        instantiate(config.loss),
        augment,
        decoder,
        tokenizer,
        instantiate(config.optimizer),
        config.trainer.gradient_norm,
    )
    described = {
        "format": FORMAT,
        "sample_rate": rate,
        **parts,
        "text": settings(config.text),
        "decoder": decoding,
    }
    return module, Recognizer(model, tokenizer, normalize, decoder, rate, described)


def batches_of(config: DictConfig, corpus: Corpus, dataset: SpeechDataset) -> dict:
    data, training = config.data, corpus.splits["train"]
    streamed = not isinstance(training, CutSet)
    in_memory = not streamed and all(corpus.in_memory(cut) for cuts in corpus.splits.values() for cut in cuts)
    workers = data.workers
    if workers is None:
        workers = 0 if in_memory else max(1, (os.cpu_count() or 2) - 1)
    dev = evaluation_batches(corpus.splits["dev"], dataset, 2 * data.batch_seconds, 0 if streamed else workers)
    if streamed:
        return {"train": StreamLoader(training, dataset, data.batch_seconds, workers, config.seed), "dev": dev}
    train = training_batches(training, dataset, data.batch_seconds, data.batch_utterances, workers, config.seed)
    return {"train": train, "dev": dev}


def close(config: DictConfig, run: RunFolder, learnt: Learnt, screen) -> dict:
    """Score the best weights on dev and test, write metrics.json, hypotheses.jsonl and report.html, and say it."""
    corpus, dataset, figures = learnt.corpus, learnt.dataset, learnt.figures
    recognizer = best_recognizer(run)
    metrics, found = measure(config, run, learnt, recognizer, ("dev", "test"), screen, calibrated=True)
    test, form = found["test"], (recognizer.sample_rate, recognizer.model.frame_s)
    clips = make_clips(*form, corpus.splits["test"], dataset, test.lines, test.views, screen, REPORT_BYTES)
    report = write_report(run.path, clips)
    print_scores(metrics)
    waiting = f"{figures['data_wait_share']:.1%} of the steps' time waiting for data"
    screen.print(f"trained {clock(figures['seconds'])}, {waiting}; model {run.model}; report {report}", soft_wrap=True)
    return metrics


def best_recognizer(run: RunFolder) -> Recognizer:
    """The best weights of a training; UserError where none could be used."""
    if not run.model.is_dir():
        raise UserError("no model came of it: at no validation were its loss and weights finite; lower optimizer.lr")
    return load(run.model)


def measure(
    config: DictConfig,
    run: RunFolder,
    learnt: Learnt,
    recognizer: Recognizer,
    splits: Sequence[str],
    screen,
    calibrated: bool = False,
) -> tuple[dict, dict[str, Measured]]:
    """Score splits and write metrics.json, errors.json and hypotheses.jsonl; what the first holds, and every split.

    calibrated: whether the recogniser learns its confidences from dev, which comes first, and is saved with them.
    """
    dataset, device = learnt.dataset, learnt.device
    recognizer.confidence = None  # where an earlier attempt got as far as here
    found: dict[str, Measured] = {}
    trained_on = read_word_counts(run.path)
    for split in splits:
        cuts = learnt.corpus.splits[split]
        made = transcribe_split(recognizer, cuts, dataset, 2 * config.data.batch_seconds, split, screen, device)
        if calibrated and split == "dev":
            calibrate(recognizer, cuts, made)
            recognizer.save(run.model)
        found[split] = score_split(recognizer, cuts, dataset, made, split, config.seed, trained_on, device)
    metrics = {split: each.metrics for split, each in found.items()} | {"train": learnt.figures}
    write_json_lines(run.path / "hypotheses.jsonl", [line for each in found.values() for line in each.lines])
    write_json(run.path / "errors.json", {split: each.errors for split, each in found.items()})
    write_json(run.metrics, metrics)
    return metrics, found


def peak_memory_mib() -> int:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() >> 20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main() -> None:
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    run_entry_point("train", PURPOSE, train)


if __name__ == "__main__":
    main()
