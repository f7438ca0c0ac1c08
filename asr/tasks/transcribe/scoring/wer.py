"""Word and character error rates, with the intervals in which the true ones may be expected."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import jiwer
import numpy as np
from jiwer import AlignmentChunk

from asr.errors import UserError
from asr.evaluation.bootstrap import RESAMPLES, resample_utterances, units_of

OTHER_RATE = {"wer": "cer", "cer": "wer"}


@dataclass(frozen=True)
class Score:
    """Errors of the hypotheses of a test set; rates are fractions (0.042 is 4.2 %), and may exceed 1.

    characters: counted in the references with the spaces between words, as the character errors are.
    wer_ci95, cer_ci95: (low, high), the 95 % intervals; one that was resampled over few units says little.
    interval_over: what was resampled, "speakers" or "utterances"; interval_units: how many of them there were.
    per_utterance_wer: in the order given; where a reference is empty, the number of inserted words.
    per_utterance_errors, per_utterance_words: in the order given.
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
    cer_ci95: tuple[float, float]
    interval_over: str
    interval_units: int
    per_utterance_wer: tuple[float, ...] = field(repr=False)
    per_utterance_errors: np.ndarray = field(repr=False, compare=False)
    per_utterance_words: np.ndarray = field(repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """What goes into metrics.json: everything but the list of utterances."""
        metrics = {key: value for key, value in asdict(self).items() if not key.startswith("per_utterance")}
        return metrics | {"wer_ci95": list(self.wer_ci95), "cer_ci95": list(self.cer_ci95)}


def score(
    references: Sequence[str],
    hypotheses: Sequence[str],
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Score:
    """Score normalised hypotheses against normalised references, one utterance each.

    groups: the speaker of every utterance. Utterances of one speaker err alike, so where there are at least three
        speakers these are resampled for the interval, else the utterances, and the interval is that of these speakers
        alone. An unknown speaker (None) is one of its own.
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
    character_errors = np.array([sum(_errors(chunks)) for chunks in characters.alignments])  # (U,)
    character_counts = np.array([len(reference) for reference in characters.references])  # (U,)
    units, interval_over = units_of(groups, len(references))

    def interval(wrong: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
        return resample_utterances(wrong, counts, units, seed, resamples).interval(int(counts.sum()))

    return Score(
        wer=words.wer,
        cer=characters.cer,
        words=int(word_counts.sum()),
        characters=int(character_counts.sum()),
        substitutions=words.substitutions,
        deletions=words.deletions,
        insertions=words.insertions,
        character_substitutions=characters.substitutions,
        character_deletions=characters.deletions,
        character_insertions=characters.insertions,
        utterances=len(references),
        wer_ci95=interval(errors, word_counts),
        cer_ci95=interval(character_errors, character_counts),
        interval_over=interval_over,
        interval_units=int(units.max()) + 1,
        per_utterance_wer=tuple((errors / np.maximum(word_counts, 1)).tolist()),
        per_utterance_errors=errors,
        per_utterance_words=word_counts,
    )


def word_error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """The word error rate alone, as a fraction: quick enough for every validation."""
    return float(jiwer.process_words(list(references), list(hypotheses)).wer)


def character_error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """The character error rate alone, as a fraction; the spaces between words count as characters."""
    return float(jiwer.process_characters(list(references), list(hypotheses)).cer)


def characters_as_words(text: str) -> str:
    """The text with every character a word, the spaces between words too: its word error rate is its CER."""
    return " ".join(text.strip().replace(" ", "␣"))


def _errors(chunks: list[AlignmentChunk]) -> tuple[int, int, int]:
    """Substitutions, deletions and insertions in the alignment of one utterance."""
    substitutions = sum(c.ref_end_idx - c.ref_start_idx for c in chunks if c.type == "substitute")
    deletions = sum(c.ref_end_idx - c.ref_start_idx for c in chunks if c.type == "delete")
    insertions = sum(c.hyp_end_idx - c.hyp_start_idx for c in chunks if c.type == "insert")
    return substitutions, deletions, insertions
