"""Cross-validation: train and dev of a corpus divided anew, each speaker (or other unit) in one part."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from lhotse import CutSet, MonoCut

from asr.corpus.corpus import Corpus
from asr.corpus.cuts import TRANSCRIPT, about
from asr.corpus.splits import (
    MIN_SPEAKERS,
    RANDOM,
    SPEAKER,
    UTTERANCE,
    counted,
    divide_evenly,
    hash_fraction,
    unit_value,
)
from asr.corpus.utterance import UtteranceFacts
from asr.errors import UserError


def with_fold_as_dev(corpus: Corpus, folds: int, fold: int, by_speaker: bool = True) -> Corpus:
    """The same corpus with part `fold` (1 … folds) of its train and dev utterances as dev, the rest as train.

    Parts are drawn by what the corpus's splits were to be drawn by, else by speaker, or by utterance where that is not
    wanted. Raises UserError where there is no such part, or fewer units than parts.
    """
    if not 1 <= fold <= folds or folds < 2:
        raise UserError(f"data.fold={fold}: is to be from 1 to data.folds={folds}, and data.folds 2 or more")
    if not isinstance(corpus.splits["train"], CutSet):
        raise UserError("data.folds: a corpus that is streamed from shards has none; give the source they were made of")
    cuts = [*corpus.splits["train"], *corpus.splits["dev"]]
    unit = corpus.split_by or (SPEAKER if by_speaker else UTTERANCE)
    cuts_of = cuts_by_unit(cuts, unit)
    if corpus.split_by is None and len(cuts_of) < MIN_SPEAKERS:
        unit, cuts_of = UTTERANCE, cuts_by_unit(cuts, UTTERANCE)
    parts = divide_evenly({name: sum(cut.duration for cut in own) for name, own in cuts_of.items()}, folds)
    if parts is None:
        there = counted(len(cuts_of), unit)
        raise UserError(f"data.folds={folds}: train and dev have {there}, and each part needs one at least")
    held = [[cut for name in part for cut in cuts_of[name]] for part in parts]
    train = [cut for number, part in enumerate(held, start=1) if number != fold for cut in part]
    splits = corpus.splits | {"train": CutSet.from_cuts(train), "dev": CutSet.from_cuts(held[fold - 1])}
    named = UTTERANCE if unit == RANDOM else unit
    note = f"fold {fold} of {folds} by {named}: {len(train)} train, {len(held[fold - 1])} dev"
    divided = f"{corpus.divided}; then {note}" if corpus.divided else note
    return replace(corpus, splits=splits, notes=[*corpus.notes, note], divided=divided)


def cuts_by_unit(cuts: Sequence[MonoCut], unit: str) -> dict[str, list[MonoCut]]:
    """The cuts of every speaker, sentence or whatever the unit is; one without is a unit of its own."""
    found: dict[str, list[MonoCut]] = defaultdict(list)
    for cut in cuts:
        supervision = cut.supervisions[0]
        known = UtteranceFacts((supervision.custom or {}).get(TRANSCRIPT), supervision.speaker, about(supervision))
        found[unit_value(unit, known) or cut.id].append(cut)
    return found


def with_share_of_train(corpus: Corpus, share: float) -> Corpus:
    """The corpus with this share of its training utterances, drawn by hash: a smaller share is a part of a larger.

    Raises UserError where none is left.
    """
    if share >= 1:
        return corpus
    train = corpus.splits["train"]
    if not isinstance(train, CutSet):
        raise UserError("data.train_share: a corpus that is streamed from shards is not divided; list fewer shards")
    kept = CutSet.from_cuts(cut for cut in train if hash_fraction(f"train_share {cut.id}") < share)
    if not len(kept):
        raise UserError(f"data.train_share={share:g}: none of {len(train)} training utterances is left; raise it")
    note = f"{share:g} of the training utterances: {len(kept)} of {len(train)}, drawn by hash"
    return replace(corpus, splits=corpus.splits | {"train": kept}, notes=[*corpus.notes, note])
