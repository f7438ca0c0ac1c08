"""From what the `data` group of conf/ describes to a corpus."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from rich.console import Console

from asr.corpus.corpus import Corpus
from asr.corpus.shards.index import Shards, sharded_corpora
from asr.corpus.shards.streaming import streamed_corpus
from asr.corpus.source import load_with_progress, open_source
from asr.corpus.utterance import SPLITS, Utterance, UtteranceFacts
from asr.errors import UserError
from asr.screen import print_notes

UNSHARDED = "give the source that they were made of"


@dataclass(frozen=True)
class DataSettings:
    """Where a corpus lies and how it is read: the keys of conf/data/, its reader and embedded corpus to be called."""

    source: str | None
    reader: Callable[[Path], Iterable[Utterance]]
    synthetic: Callable[[], Iterable[Utterance]]
    mix: Sequence[str]
    weights: Sequence[float]
    text: str | None
    sample_rate: int | None
    dev_fraction: float
    test_fraction: float
    split_by: str | None
    test_folds: int | None
    test_fold: int | None
    max_rejected: float
    max_utterance_seconds: float
    cache_gib: float
    cache_dir: str | None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "DataSettings":
        """From the plain values of the `data` group, which has more keys."""
        synthetic = data.get("synthetic")
        values: dict[str, Any] = {name: data.get(name) for name in cls.__dataclass_fields__}
        values |= {"mix": data.get("mix") or [], "weights": data.get("weights") or []}
        values["reader"] = instantiate(data["reader"])
        values["synthetic"] = (lambda: instantiate(synthetic)()) if synthetic else tuple  # speaks when it is called
        return cls(**values)

    @property
    def shards(self) -> tuple[list[Shards], list[float | None]] | None:
        """The sharded corpora that are named, and their weights; None where the source is no such one."""
        return sharded_corpora(self.source, self.mix, self.weights)

    @property
    def utterances(self) -> Iterable[Utterance]:
        """What the source, or the embedded corpus where there is none, holds."""
        return open_source(self.source, self.reader, self.synthetic, self.text)

    def load(
        self,
        utterances: Iterable[Utterance],
        screen: Console,
        rejected_file: Path,
        splits: Collection[str],
        **how: Any,
    ) -> Corpus:
        """Utterances checked and divided as these settings say, and as `how` says otherwise, to load_corpus."""
        names = ("sample_rate", "dev_fraction", "test_fraction", "split_by", "test_folds", "test_fold", "max_rejected")
        values = {name: getattr(self, name) for name in (*names, "max_utterance_seconds", "cache_gib", "cache_dir")}
        return load_with_progress(utterances, screen, rejected_file, splits, **(values | how))


def read_corpus(
    data: DataSettings,
    target_of: Callable[[UtteranceFacts], str],
    by_speaker: bool,
    screen: Console,
    rejected_file: Path,
) -> Corpus:
    """A corpus to train on; UserError where one of its splits is empty.

    target_of: what is to be learnt of an utterance; by_speaker: whether splits that are drawn keep speakers apart.
    """
    if (sharded := data.shards) is not None:
        for key in ("split_by", "test_folds"):
            if getattr(data, key) is not None:
                raise UserError(f"data.{key}: a corpus that is streamed from shards has its splits; {UNSHARDED}")
        corpus = streamed_corpus(*sharded, target_of, data.sample_rate)
        print_notes(screen, corpus.notes)
        return corpus
    corpus = data.load(data.utterances, screen, rejected_file, SPLITS, target_of=target_of, by_speaker=by_speaker)
    for split, cuts in corpus.splits.items():
        if not len(cuts):
            raise UserError(f"the {split} split is empty: training needs one; set data.{split}_fraction above 0")
    print_notes(screen, corpus.notes)
    return corpus
