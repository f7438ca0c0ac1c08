"""The held-out speech that a run is measured on: its own, or another source's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lhotse import CutSet
from rich.console import Console

from asr.configuration.overrides import did_you_mean
from asr.configuration.trust import DATA_PARTS, check_trusted
from asr.corpus.corpus import Corpus
from asr.corpus.folds import with_fold_as_dev
from asr.corpus.reading import DataSettings
from asr.corpus.shards.index import Shards, sharded_corpora
from asr.corpus.shards.streaming import corpus_in_memory
from asr.corpus.source import REJECTED, open_source, write_rejected
from asr.corpus.utterance import SPLITS, Reading, Utterance
from asr.errors import UserError
from asr.runs.folder import read_config
from asr.runs.model_folder import TrainedModel, load_model

AS_USUAL = {"split_by": None, "test_folds": None}  # how another source, or the whole of one, is divided


@dataclass(frozen=True)
class SplitChoice:
    """What is measured: a split (train, dev, test or all) of `source`, None for the data that the run was trained on.

    reader: what turns another source into utterances; max_rejected: share of them that may be unusable.
    """

    split: str
    source: str | None
    reader: Mapping[str, Any]
    max_rejected: float

    @property
    def name(self) -> str:
        """Where results go below the run: the split, with the name of the source where it is another one."""
        return self.split if self.source is None else f"{Path(self.source).resolve().name}-{self.split}"


@dataclass(frozen=True)
class TrainedRun:
    """A run's folder, the `data` part of its configuration, and its model."""

    path: Path
    data: Mapping[str, Any]
    trained: TrainedModel


def open_trained_run(path: str | Path, source: str | None) -> TrainedRun:
    """The run of a folder; `source` is what will be read instead of its own data, if anything.

    Raises UserError where there is no such run, or where its configuration names what is no part of this program.
    """
    run = run_folder(str(path))
    data = read_config(run / "config.yaml").get("data")
    if source is None:  # the run's own data is read again, by what its file names
        check_trusted(data, run / "config.yaml", DATA_PARTS)
    return TrainedRun(run, data or {}, load_model(run / "model"))


def run_folder(path: str) -> Path:
    """The folder of a run, where the user gave it or its model folder."""
    run = Path(path)
    run = run.parent if run.name == "model" and (run.parent / "config.yaml").is_file() else run
    if not run.is_dir():
        raise UserError(f"run={path}: no such folder; give the folder of a finished training, such as runs/demo/…")
    if not (run / "config.yaml").is_file() or not (run / "model").is_dir():
        raise UserError(f"run={path}: not a run: no config.yaml or no model folder in it; give one that train.py wrote")
    return run


def check_split(split: str) -> None:
    """Raise UserError where there is no split of that name."""
    if split not in (*SPLITS, "all"):
        hint = did_you_mean(split, SPLITS)
        raise UserError(f"split={split}: no such split{hint}; there are train, dev, test and all")


def read_split(wanted: SplitChoice, run: TrainedRun, model: TrainedModel, out: Path, screen: Console) -> Corpus:
    """The wanted split of the given source or the run's own, at `model`'s sample rate; `all` is the whole source."""
    data, whole, own = run.data, wanted.split == "all", wanted.source is None
    check_split(wanted.split)
    settings = DataSettings.of(
        dict(data) if own else {**data, "reader": wanted.reader, "text": None, "synthetic": None, **AS_USUAL}
    )
    sharded = settings.shards if own else sharded_corpora(wanted.source)
    if sharded is not None:
        return read_shards(sharded[0], wanted, model, out)
    folded = own and wanted.split in ("train", "dev") and data.get("folds")
    utterances = settings.utterances if own else open_source(wanted.source, settings.reader, tuple, None)
    drawn = {"dev_fraction": 0.0, "test_fraction": 0.0, **AS_USUAL} if whole else {}
    corpus = settings.load(
        in_one_split(utterances) if whole else utterances,
        screen,
        out / REJECTED,
        ["train"] if whole else ["train", "dev"] if folded else [wanted.split],
        target_of=model.task.target_of,
        by_speaker=model.task.by_speaker,
        sample_rate=model.sample_rate,
        max_rejected=wanted.max_rejected,
        cache_dir=None,  # a stranger's run says nothing of this machine
        **drawn,
    )
    if folded:
        corpus = with_fold_as_dev(corpus, data["folds"], data["fold"], model.task.by_speaker)
    corpus.splits["all"] = corpus.splits["train"]
    return corpus


def read_shards(corpora: Sequence[Shards], wanted: SplitChoice, model: TrainedModel, out: Path) -> Corpus:
    """The wanted split of sharded corpora, which is held in memory; all of their splits as `all`."""
    splits = SPLITS if wanted.split == "all" else (wanted.split,)
    there = [split for split in splits if any(each.shards(split) for each in corpora)]
    if not there:
        raise UserError(f"{corpora[0].base}: has no {wanted.split} split; give another split=, or run asr shard again")
    corpus = corpus_in_memory(corpora, there, model.task.target_of, model.sample_rate)
    write_rejected(out / REJECTED, corpus.rejected)
    corpus.check_rejected(wanted.max_rejected)
    corpus.notes.insert(0, f"{', '.join(each.base for each in corpora)}: {' and '.join(there)} read from shards")
    corpus.splits["all"] = CutSet.from_cuts(cut for split in there for cut in corpus.splits[split])
    return corpus


def in_one_split(utterances: Iterable[Utterance]) -> Reading:
    """The same utterances, all in train."""
    note = utterances.note if isinstance(utterances, Reading) else ""
    return Reading((replace(utterance, split="train") for utterance in utterances), note)
