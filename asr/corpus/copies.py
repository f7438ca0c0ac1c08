"""Training utterances that stand several times in an epoch: once as they are, then augmented."""

from dataclasses import replace

from lhotse import CutSet
from lhotse.utils import fastcopy

from asr.corpus.corpus import Corpus
from asr.corpus.cuts import COPY
from asr.errors import UserError


def with_copies(corpus: Corpus, copies: int) -> Corpus:
    """The corpus with every training utterance so many times: the first as it is, the others under ids of their own.

    Splits exist by then, so that nothing held out is ever copied into train. Samples are shared. Raises UserError where
    train is streamed, or where a copy's id is an utterance's already.
    """
    if copies == 1:
        return corpus
    train = corpus.splits["train"]
    if not isinstance(train, CutSet):
        raise UserError("data.copies: a corpus that is streamed from shards has none; raise budget.epochs instead")
    taken = {cut.id for part in corpus.splits.values() for cut in part}
    cuts, audio = [], dict(corpus.audio)
    for number in range(1, copies + 1):
        for cut in train:
            name = cut.id if number == 1 else f"{cut.id} (copy {number})"
            if number > 1 and name in taken:
                raise UserError(f"data.copies: {name} is the id of an utterance already; rename that")
            if cut.id in corpus.audio:
                audio[name] = corpus.audio[cut.id]
            cuts.append(fastcopy(cut, id=name, custom={**(cut.custom or {}), COPY: number}))
    note = f"{len(train)} training utterances stand {copies} times each in an epoch: once as they are, then augmented"
    splits = corpus.splits | {"train": CutSet.from_cuts(cuts)}
    return replace(corpus, splits=splits, audio=audio, notes=[*corpus.notes, note])
