"""The trainings of a sweep, in the process of a worker."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lhotse import CutSet
from rich.console import Console

from asr.commands.train import corpus_to_train_on, score_and_report
from asr.configuration.compose import load_values
from asr.corpus.batches import SpeechDataset
from asr.corpus.corpus import Corpus
from asr.corpus.folds import with_fold_as_dev
from asr.runs.folder import RunFolder, open_run, read_config
from asr.runs.model_folder import load_model
from asr.screen import console
from asr.task import Task
from asr.training.pipeline import Fitted, fit_model, fold_and_subset, write_manifests
from asr.training.plan import plan_of, task_of
from asr.training.scoring import best_model, score
from asr.tuning.locks import FolderLocks
from asr.tuning.pruning import StudyReporter

KEYS_OF_ONE_TRAINING = {
    "folds",
    "fold",
    "train_share",
    "copies",
    "crop_seconds",
    "batch_seconds",
    "batch_utterances",
    "workers",
}  # not of a corpus


class Trainings:
    """Trains in this process; the corpus is read once and kept for the next training on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.corpora: dict[str, Corpus] = {}

    def __call__(
        self, overrides: Sequence[str], folder: Path, reporter: StudyReporter, test: bool
    ) -> Mapping[str, Any]:
        run = RunFolder(folder)
        if run.metrics.is_file():  # killed between the end of the training and the study's hearing of it
            return json.loads(run.metrics.read_text("utf-8"))
        values = load_values("train", [*overrides, f"run_dir={folder}"])
        run, screen, plan = open_run(values), console(), plan_of(values)
        corpus = self.corpus_of(values, plan.task, screen)
        fitted = fit_model(plan, run, corpus, screen, [reporter], write_artifacts=False)
        assert fitted is not None, "one process trains"
        reporter.check_not_pruned()
        splits, batch_seconds = ("dev", "test") if test else ("dev",), 2 * plan.batching.batch_seconds
        metrics, _ = score(run, best_model(run), fitted, splits, batch_seconds, plan.seed, screen)
        return metrics

    def check(self, values: Mapping[str, Any], folds: int | None) -> None:
        """Read the corpus once before all trials; UserError where it cannot be used."""
        task = task_of(values)
        corpus = self.corpus_of(values, task, console())
        if folds:
            with_fold_as_dev(corpus, folds, 1, task.by_speaker)

    def corpus_of(self, values: Mapping[str, Any], task: Task, screen: Console) -> Corpus:
        """One at a time reads, so that the others find its decoded audio."""
        data = {key: value for key, value in values["data"].items() if key not in KEYS_OF_ONE_TRAINING}
        name = json.dumps([data, values["choices"]["task"], values.get("text")], sort_keys=True)
        if name not in self.corpora:
            with FolderLocks(self.folder / "locks" / "reading").one_at_a_time():
                rejected = self.folder / "rejected.jsonl"
                self.corpora = {name: corpus_to_train_on(values["data"], task, screen, rejected)}
        return self.corpora[name]

    def score_and_report(self, folder: Path) -> Mapping[str, Any]:
        """Score a trained run on dev and test; write its report and all else that a single training writes."""
        run, screen = RunFolder(folder), console()
        values, figures = read_config(run.config), json.loads(run.metrics.read_text("utf-8"))["train"]
        plan = plan_of(values)
        corpus = self.corpus_of(values, plan.task, screen)
        corpus = fold_and_subset(corpus, plan.part, plan.task.by_speaker, screen)
        write_manifests(run, corpus)
        trained = load_model(run.model)
        dataset = SpeechDataset(corpus.audio, trained.task.encode)
        if isinstance(corpus.splits["train"], CutSet):
            trained.task.learn_from_audio(corpus.splits["train"], dataset, (), corpus.sample_rate)
            trained.save(run.model)
        return score_and_report(plan, run, Fitted(corpus, dataset, figures, torch.device("cpu")), screen)
