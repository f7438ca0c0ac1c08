"""Words with what is wrong with them, as rows of utterances show them."""

from collections.abc import Sequence

from asr.report.utterances import Words
from asr.tasks.transcribe.scoring.confusions import AlignedWord


def count_errors(alignment: Sequence[AlignedWord]) -> int:
    """Words substituted, deleted and inserted."""
    return sum(word.reference != word.hypothesis for word in alignment)


def fault_of(word: AlignedWord) -> str:
    """What is wrong with a step of an alignment; empty where nothing is."""
    if word.reference == word.hypothesis:
        return ""
    return "deleted" if word.hypothesis is None else "inserted" if word.reference is None else "substituted"


def lines_of(alignment: Sequence[AlignedWord]) -> list[tuple[str, Words]]:
    """Reference above hypothesis, every error marked; one line where they are the same."""
    if not count_errors(alignment):
        return [("BOTH", [(str(word.reference), "") for word in alignment])]
    spoken = [(word.reference, fault_of(word)) for word in alignment if word.reference is not None]
    heard = [(word.hypothesis, fault_of(word)) for word in alignment if word.hypothesis is not None]
    return [("REF", spoken), ("HYP", heard)]


def words_with_faults(alignment: Sequence[AlignedWord]) -> Words:
    """The hypothesis alone, with what it missed in its place."""
    return [(str(word.reference if word.hypothesis is None else word.hypothesis), fault_of(word)) for word in alignment]
