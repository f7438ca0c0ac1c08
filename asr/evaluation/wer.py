"""Word and character error rates, with the interval in which the true word error rate may be expected."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import jiwer
import numpy as np
from jiwer import AlignmentChunk

from asr.errors import UserError

RESAMPLES_AT_ONCE = 100  # bounds the memory that the bootstrap takes on a large test set


@dataclass(frozen=True)
class Score:
    """Errors of the hypotheses of a test set; rates are fractions (0.042 is 4.2 %), and may exceed 1.

    characters: counted in the references with the spaces between words, as the character errors are.
    wer_ci95: (low, high), the 95 % interval; one that was resampled over few units says little.
    interval_over: what was resampled, "speakers" or "utterances"; interval_units: how many of them there were.
    per_utterance_wer: in the order given; where a reference is empty, the number of inserted words.
    """

    wer: float
    cer: float
    words: int
    characters: int
    substitutions: int
    deletions: int
    insertions: int
    character_substitutions: int
    character_deletions: int
    character_insertions: int
    utterances: int
    wer_ci95: tuple[float, float]
    interval_over: str
    interval_units: int
    per_utterance_wer: tuple[float, ...] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """What goes into metrics.json: everything but the list of utterances."""
        metrics = asdict(self)
        del metrics["per_utterance_wer"]
        return metrics | {"wer_ci95": list(self.wer_ci95)}


def score(
    references: Sequence[str],
    hypotheses: Sequence[str],
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
    resamples: int = 1000,
) -> Score:
    """Score normalised hypotheses against normalised references, one utterance each.

    groups: the speaker of every utterance. Utterances of one speaker err alike, so where there are at least two
        speakers these are resampled for the interval, else the utterances. An unknown speaker (None) is one of its own.
    Empty hypotheses, and some empty references, are fine. Raises UserError where there is no utterance or no
    reference word, ValueError where the lists differ in length.
    """
    if not len(references) == len(hypotheses) == len(groups if groups is not None else references):
        raise ValueError("references, hypotheses and groups must be of the same length")
    if not references:
        raise UserError("there is no utterance to score: the test set is empty")
    words = jiwer.process_words(list(references), list(hypotheses))
    characters = jiwer.process_characters(list(references), list(hypotheses))
    word_errors = np.array([_errors(chunks) for chunks in words.alignments])  # (U, 3)
    word_counts = np.array([len(reference) for reference in words.references])  # (U,)
    if not word_counts.any():
        raise UserError("no reference of the test set holds a word, so it has no word error rate")
    errors = word_errors.sum(axis=1)
    units, interval_over = _units(groups, len(references))
    return Score(
        wer=words.wer,
        cer=characters.cer,
        words=int(word_counts.sum()),
        characters=sum(len(reference) for reference in characters.references),
        substitutions=words.substitutions,
        deletions=words.deletions,
        insertions=words.insertions,
        character_substitutions=characters.substitutions,
        character_deletions=characters.deletions,
        character_insertions=characters.insertions,
        utterances=len(references),
        wer_ci95=_bootstrap_interval(np.bincount(units, errors), np.bincount(units, word_counts), seed, resamples),
        interval_over=interval_over,
        interval_units=int(units.max()) + 1,
        per_utterance_wer=tuple((errors / np.maximum(word_counts, 1)).tolist()),
    )


def word_error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """The word error rate alone, as a fraction: quick enough for every validation."""
    return float(jiwer.process_words(list(references), list(hypotheses)).wer)


def character_error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """The character error rate alone, as a fraction; the spaces between words count as characters."""
    return float(jiwer.process_characters(list(references), list(hypotheses)).cer)


def _errors(chunks: list[AlignmentChunk]) -> tuple[int, int, int]:
    """Substitutions, deletions and insertions in the alignment of one utterance."""
    substitutions = sum(c.ref_end_idx - c.ref_start_idx for c in chunks if c.type == "substitute")
    deletions = sum(c.ref_end_idx - c.ref_start_idx for c in chunks if c.type == "delete")
    insertions = sum(c.hyp_end_idx - c.hyp_start_idx for c in chunks if c.type == "insert")
    return substitutions, deletions, insertions


def _units(groups: Sequence[str | None] | None, utterances: int) -> tuple[np.ndarray, str]:
    """For every utterance the index (U,) of the unit that is resampled with it, and what these units are."""
    labels = [i if group is None else group for i, group in enumerate(groups or [])]
    if len(set(labels)) < 2 or all(group is None for group in groups or []):
        return np.arange(utterances), "utterances"
    order = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    return np.array([order[label] for label in labels]), "speakers"


def _bootstrap_interval(errors: np.ndarray, words: np.ndarray, seed: int, resamples: int) -> tuple[float, float]:
    """95 % percentile interval of sum(errors) / sum(words), resampling units with replacement.

    errors, words: (N,) of each unit. Bisani & Ney 2004, "Bootstrap estimates for confidence intervals in ASR
    performance evaluation".
    """
    random = np.random.default_rng(seed)
    rates = []
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        rows = min(RESAMPLES_AT_ONCE, resamples - start)
        times_drawn = random.multinomial(len(errors), np.full(len(errors), 1 / len(errors)), size=rows)  # (R, N)
        words_drawn = times_drawn @ words  # (R,)
        drawn = words_drawn > 0  # a draw of nothing but empty references has no rate
        rates.append((times_drawn @ errors)[drawn] / words_drawn[drawn])
    low, high = np.percentile(np.concatenate(rates), [2.5, 97.5])
    return float(low), float(high)
