"""Which words and characters were taken for which: the alignment of a hypothesis with its reference, and counts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jiwer

LISTED = 100  # confusions of each kind in errors.json


class AlignedWord(NamedTuple):
    """A step of the alignment: reference and hypothesis word (or character); None where one was inserted or deleted."""

    reference: str | None
    hypothesis: str | None


@dataclass(frozen=True)
class Confusions:
    """How often each word (reference → hypothesis) was substituted, deleted, inserted."""

    substitutions: Counter[tuple[str, str]]
    deletions: Counter[str]
    insertions: Counter[str]

    def as_dict(self) -> dict[str, list[dict[str, Any]]]:
        """What goes into errors.json: the most frequent of each kind, the most frequent first."""
        pairs = self.substitutions.most_common(LISTED)
        return {
            "substitutions": [{"reference": a, "hypothesis": b, "count": count} for (a, b), count in pairs],
            "deletions": [{"reference": a, "count": count} for a, count in self.deletions.most_common(LISTED)],
            "insertions": [{"hypothesis": b, "count": count} for b, count in self.insertions.most_common(LISTED)],
        }


def align_words(references: Sequence[str], hypotheses: Sequence[str]) -> list[list[AlignedWord]]:
    """The alignment of each utterance with the fewest word errors, the one that `score` counts."""
    return _aligned(jiwer.process_words(list(references), list(hypotheses))) if references else []


def align_characters(references: Sequence[str], hypotheses: Sequence[str]) -> list[list[AlignedWord]]:
    """The same for characters, the spaces between words among them."""
    return _aligned(jiwer.process_characters(list(references), list(hypotheses))) if references else []


def _aligned(output: jiwer.WordOutput | jiwer.CharacterOutput) -> list[list[AlignedWord]]:
    aligned = []
    for reference, hypothesis, chunks in zip(output.references, output.hypotheses, output.alignments, strict=True):
        words: list[AlignedWord] = []
        for chunk in chunks:
            spoken = reference[chunk.ref_start_idx : chunk.ref_end_idx]
            heard = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
            if chunk.type == "insert":
                words += [AlignedWord(None, word) for word in heard]
            elif chunk.type == "delete":
                words += [AlignedWord(word, None) for word in spoken]
            else:
                words += [AlignedWord(*pair) for pair in zip(spoken, heard, strict=True)]
        aligned.append(words)
    return aligned


def count_confusions(alignments: Sequence[Sequence[AlignedWord]]) -> Confusions:
    """Count the errors of all alignments."""
    confusions = Confusions(Counter(), Counter(), Counter())
    for reference, hypothesis in (word for alignment in alignments for word in alignment):
        if reference is None:
            confusions.insertions[str(hypothesis)] += 1
        elif hypothesis is None:
            confusions.deletions[reference] += 1
        elif reference != hypothesis:
            confusions.substitutions[reference, hypothesis] += 1
    return confusions
