"""How well words are recognised by how often the training transcripts hold them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from asr.evaluation.bootstrap import resample_utterances, units_of
from asr.tasks.transcribe.scoring.confusions import AlignedWord

SEEN = ((0, 0), (1, 1), (2, 5), (6, 20), (21, 100), (101, None))  # times in the training transcripts, both included


def rare_words(
    alignments: Sequence[Sequence[AlignedWord]],
    trained_on: Mapping[str, int],
    speakers: Sequence[str | None],
    seed: int,
) -> list[dict[str, Any]]:
    """Recall of reference words by how often the training transcripts hold them, those never seen first.

    trained_on: how often each word stands in the training transcripts. speakers: of every utterance, for the interval.
    """
    words = np.zeros((len(SEEN), len(alignments)), dtype=int)
    missed = np.zeros_like(words)
    for row, alignment in enumerate(alignments):
        for reference, hypothesis in alignment:
            if reference is not None:
                times = trained_on.get(reference, 0)
                place = next(i for i, (_, most) in enumerate(SEEN) if most is None or times <= most)
                words[place, row] += 1
                missed[place, row] += reference != hypothesis
    return [
        {"seen": _range(*seen)} | _recall(missed[place], words[place], speakers, seed)
        for place, seen in enumerate(SEEN)
        if words[place].any()
    ]


def _recall(missed: np.ndarray, words: np.ndarray, speakers: Sequence[str | None], seed: int) -> dict[str, Any]:
    """Words, the share of them recognised and its interval, over the utterances that hold such words."""
    rows = np.flatnonzero(words)
    units, _ = units_of([speakers[int(row)] for row in rows], len(rows))
    rates, total = resample_utterances(missed[rows], words[rows], units, seed), int(words.sum())
    found = {"words": total, "recall": 1 - rates.rate}
    return found | ({"recall_ci95": list(rates.interval_of_rest(total))} if rates.units > 1 else {})


def _range(least: int, most: int | None) -> str:
    return f"{least}" if least == most else f"over {least - 1}" if most is None else f"{least}–{most}"
