"""Cross-validation: train and dev of a corpus divided anew, each speaker in one part."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from lhotse import CutSet, MonoCut

from asr.corpus.corpus import Corpus
from asr.corpus.splits import MIN_SPEAKERS, hash_fraction
from asr.errors import UserError


def with_fold_as_dev(corpus: Corpus, folds: int, fold: int, by_speaker: bool = True) -> Corpus:
    """The same corpus with part `fold` (1 … folds) of its train and dev utterances as dev, the rest as train.

    Raises UserError where there is no such part, or fewer speakers than parts.
    """
    if not 1 <= fold <= folds or folds < 2:
        raise UserError(f"data.fold={fold}: is to be from 1 to data.folds={folds}, and data.folds 2 or more")
    if not isinstance(corpus.splits["train"], CutSet):
        raise UserError("data.folds: a corpus that is streamed from shards has none; give the source they were made of")
    cuts = [*corpus.splits["train"], *corpus.splits["dev"]]
    parts = divide_evenly(cuts, folds, by_speaker)
    if parts is None:
        speakers = len({speaker_of(cut) for cut in cuts})
        raise UserError(f"data.folds={folds}: train and dev have {speakers} speakers, and each part needs one at least")
    train = [cut for number, part in enumerate(parts, start=1) if number != fold for cut in part]
    splits = corpus.splits | {"train": CutSet.from_cuts(train), "dev": CutSet.from_cuts(parts[fold - 1])}
    unit = "speaker" if by_speaker else "utterance"
    note = f"fold {fold} of {folds} by {unit}: {len(train)} train, {len(parts[fold - 1])} dev"
    return replace(corpus, splits=splits, notes=[*corpus.notes, note])


def divide_evenly(cuts: Sequence[MonoCut], folds: int, by_speaker: bool) -> list[list[MonoCut]] | None:
    """Parts of about equal duration; the one who speaks longest is placed first, always into the shortest part.

    By speaker, or by utterance where that is not wanted or fewer than MIN_SPEAKERS are known. None where a part would
    be empty.
    """
    cuts_of: dict[str, list[MonoCut]] = defaultdict(list)
    for cut in cuts:
        cuts_of[speaker_of(cut)].append(cut)
    units = list(cuts_of.items())
    if not by_speaker or len(units) < MIN_SPEAKERS:
        units = [(cut.id, [cut]) for cut in cuts]
    if len(units) < folds:
        return None
    units.sort(key=lambda unit: (-sum(cut.duration for cut in unit[1]), hash_fraction(unit[0])))
    parts: list[list[MonoCut]] = [[] for _ in range(folds)]
    seconds = [0.0] * folds
    for _, own in units:
        shortest = min(range(folds), key=lambda part: (seconds[part], part))
        parts[shortest] += own
        seconds[shortest] += sum(cut.duration for cut in own)
    return parts


def speaker_of(cut: MonoCut) -> str:
    return cut.supervisions[0].speaker


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
