"""The three ways in which rows come into train, dev and test, by hash (asr.corpus.splits)."""

from collections.abc import Mapping

import numpy as np

from asr.corpus.splits import draw_splits
from asr.corpus.utterance import SPLITS
from asr.errors import UserError
from asr.tasks.table.reading import Answers

RANDOM, CLIP, ACTOR = "random", "clip", "actor"
DIVISIONS = {
    RANDOM: "no row is in two splits, but other answers to the clips of test are in training",
    CLIP: "no clip is in two splits, but other clips of the actors of test are in training",
    ACTOR: "no actor is in two splits: test is of people whom nothing was learnt from",
}


def divide(answers: Answers, division: str, dev_fraction: float, test_fraction: float) -> Mapping[str, np.ndarray]:
    """Split -> its rows, in order; UserError where one of them would be empty."""
    units = {RANDOM: answers.ids, CLIP: answers.clips, ACTOR: answers.actors}[division]
    drawn = draw_splits(units, dev_fraction, test_fraction)
    of_row = np.array([drawn[unit] for unit in units])
    found = {split: np.flatnonzero(of_row == split) for split in SPLITS}
    for split, rows in found.items():
        if not len(rows):
            raise UserError(
                f"{answers.table}: {len(set(units))} values of {division} are too few for a {split} split; give a "
                "larger table"
            )
    return found
