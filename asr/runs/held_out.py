"""The held-out speech that a run is measured on: its own, or another source's."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from hydra.utils import instantiate
from lhotse import CutSet
from omegaconf import DictConfig, OmegaConf

from asr.configuration.compose import nearest
from asr.corpus.corpus import Corpus
from asr.corpus.folds import in_fold
from asr.corpus.shards.index import Shards, sharded_corpora
from asr.corpus.source import REJECTED, load_with_progress, open_source, write_rejected
from asr.corpus.shards.streaming import held_corpus
from asr.corpus.utterance import SPLITS, Reading, Utterance
from asr.errors import UserError
from asr.use.recognizer import Recognizer, load
from asr.runs.folder import read_config
from asr.configuration.trust import DATA_PARTS, check_trusted


def open_trained_run(config: DictConfig) -> tuple[Path, DictConfig, Recognizer]:
    """The folder of the run that `run` of conf/evaluate.yaml names, its configuration and its model.

    Raises UserError where there is no such run, or where its configuration names what is no part of this program.
    """
    run = run_folder(config.run)
    trained = read_config(run / "config.yaml")
    if config.data.source is None:  # the run's own data is read again, by what its file names
        check_trusted(OmegaConf.to_container(trained.data), run / "config.yaml", DATA_PARTS)
    return run, trained, load(run / "model")


def run_folder(path: str) -> Path:
    """The folder of a run, where the user gave it or its model folder."""
    run = Path(path)
    run = run.parent if run.name == "model" and (run.parent / "config.yaml").is_file() else run
    if not run.is_dir():
        raise UserError(f"run={path}: no such folder; give the folder of a finished training, such as runs/demo/…")
    if not (run / "config.yaml").is_file() or not (run / "model").is_dir():
        raise UserError(f"run={path}: not a run: no config.yaml or no model folder in it; give one that train.py wrote")
    return run


def read_split(config: DictConfig, trained: DictConfig, recognizer: Recognizer, out: Path, screen) -> Corpus:
    """The wanted split of the given source, or of the run's own; a source without splits can be scored whole (all)."""
    data, whole = trained.data, config.split == "all"
    own = config.data.source is None
    if config.split not in (*SPLITS, "all"):
        hint = nearest(config.split, SPLITS)
        raise UserError(f"split={config.split}: no such split{hint}; there are train, dev, test and all")
    other = DictConfig({"source": config.data.source, "mix": [], "weights": []})
    if (sharded := sharded_corpora(data if own else other)) is not None:
        return read_shards(sharded[0], config, recognizer, out)
    folded = own and config.split in ("train", "dev") and "folds" in data and data.folds
    utterances = open_source(
        data.source if own else config.data.source,
        instantiate(data.reader if own else config.data.reader),
        lambda: instantiate(data.synthetic)(),
        data.text if own else None,
    )
    corpus = load_with_progress(
        in_one_split(utterances) if whole else utterances,
        screen,
        out / REJECTED,
        ["train"] if whole else ["train", "dev"] if folded else [config.split],
        normalize=recognizer.normalize,
        sample_rate=recognizer.sample_rate,
        dev_fraction=0.0 if whole else data.dev_fraction,
        test_fraction=0.0 if whole else data.test_fraction,
        max_rejected=config.data.max_rejected,
        max_utterance_seconds=data.max_utterance_seconds,
        cache_gib=data.cache_gib,
        cache_dir=None,  # a stranger's run says nothing of this machine
    )
    if folded:
        corpus = in_fold(corpus, data.folds, data.fold)
    corpus.splits["all"] = corpus.splits["train"]
    return corpus


def read_shards(corpora: Sequence[Shards], config: DictConfig, recognizer: Recognizer, out: Path) -> Corpus:
    """The wanted split of sharded corpora, which is held in memory; all of their splits as `all`."""
    splits = SPLITS if config.split == "all" else (config.split,)
    there = [split for split in splits if any(each.shards(split) for each in corpora)]
    if not there:
        raise UserError(f"{corpora[0].base}: has no {config.split}; choose another split, or shard it anew")
    corpus = held_corpus(corpora, there, recognizer.normalize, recognizer.sample_rate)
    write_rejected(out / REJECTED, corpus.rejected)
    corpus.check_rejected(config.data.max_rejected)
    corpus.notes.insert(0, f"{', '.join(each.base for each in corpora)}: {' and '.join(there)} read from shards")
    corpus.splits["all"] = CutSet.from_cuts(cut for split in there for cut in corpus.splits[split])
    return corpus


def in_one_split(utterances: Iterable[Utterance]) -> Reading:
    """The same utterances, all in train."""
    note = utterances.note if isinstance(utterances, Reading) else ""
    return Reading((replace(utterance, split="train") for utterance in utterances), note)
