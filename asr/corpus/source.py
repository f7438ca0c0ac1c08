"""From the `data` part of a configuration to a corpus, with progress; what cannot be used is written down."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from asr.corpus.corpus import Corpus, CorpusError, load_corpus
from asr.corpus.utterance import Rejection, Utterance
from asr.errors import Infeasible, UserError
from asr.screen import progress_bar
from asr.writing import write_whole

REJECTED = "rejected.jsonl"  # what could not be used of a source, a line an utterance
MOST_NAMED = 3  # utterances that a note names
URL = re.compile(r"https?://", re.IGNORECASE)


def open_source(
    source: str | None,
    reader: Callable[[Path], Iterable[Utterance]],
    synthetic: Callable[[], Iterable[Utterance]],
    text: str | None,
) -> Iterable[Utterance]:
    """The utterances of `source`, or of the embedded corpus where there is none."""
    if source is None:
        return synthetic()
    if URL.match(source):
        raise UserError(f"{source}: only shards are read from a URL, in training and evaluation; fetch it first")
    if text is not None:
        raise UserError("data.text and data.source are both given: only the embedded corpus speaks data.text; drop one")
    return reader(Path(source))


def load_with_progress(
    utterances: Iterable[Utterance], console: Console, rejected_file: Path, splits: Collection[str], **settings
) -> Corpus:
    """`load_corpus` behind a progress bar; rejections go to `rejected_file` even where there are too many."""
    try:
        with progress_bar(console, "reading recordings") as on_progress:
            corpus = load_corpus(utterances, splits=splits, on_progress=on_progress, **settings)
    except CorpusError as error:
        write_rejected(rejected_file, error.rejected)
        if error.rejected:
            raise UserError(f"{error} (all of them: {rejected_file})") from error
        raise
    write_rejected(rejected_file, corpus.rejected)
    return corpus


def reject_more(corpus: Corpus, rejected: Sequence[Rejection], rejected_file: Path, max_rejected: float) -> None:
    """Write down training utterances that a model turned out not to take; Infeasible where too many or all are gone."""
    corpus.rejected += rejected
    write_rejected(rejected_file, corpus.rejected)
    try:
        corpus.check_rejected(max_rejected)
    except CorpusError as error:
        raise Infeasible(f"{error} (all of them: {rejected_file})") from error
    if not len(corpus.splits["train"]):
        raise Infeasible(f"no training utterance is left, the first that cannot be used: {corpus.rejected[0]}")


def write_rejected(path: Path, rejected: Iterable[Rejection]) -> None:
    """A line an utterance; an empty file says that nothing was rejected."""
    write_whole(path, "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in rejected))


def notes_of_rejected(found: Iterable[Rejection]) -> Iterator[str]:
    """A line a split, naming the first utterances."""
    of_split: dict[str | None, list[Rejection]] = {}
    for rejection in found:
        of_split.setdefault(rejection.split, []).append(rejection)
    for split, rejections in of_split.items():
        more = f" and {len(rejections) - MOST_NAMED} more" if len(rejections) > MOST_NAMED else ""
        named = ", ".join(rejection.id for rejection in rejections[:MOST_NAMED]) + more
        yield f"{split}: {named}: {rejections[0].detail}; {rejections[0].remedy}"
