"""Utterances that several recognisers heard differently, their texts below one another."""

from collections.abc import Sequence

from markupsafe import Markup

from asr.report.numbers import percent
from asr.report.page import part
from asr.report.utterances import UtteranceRow, Words, compared_rows, facts_of
from asr.runs.files import Record
from asr.tasks.transcribe.report.words import count_errors, words_with_faults
from asr.tasks.transcribe.scoring.confusions import AlignedWord, align_words

UTTERANCES_SHOWN = 500
LEGEND = (
    "A word struck out was missed, an underlined one was not said, a dotted line marks a word that stands in place of"
    " another."
)


def differing_utterances(names: Sequence[str], records: Sequence[Sequence[Record]]) -> Markup:
    """Those first whose errors differ most; names, records: of each run."""
    of_runs = [{str(record.get("id")): record for record in each} for each in records]
    first, *others = of_runs
    ids = [
        name
        for name, record in first.items()
        if all(name in each and each[name]["reference"] == record["reference"] for each in others)
        and any(each[name]["hypothesis"] != record["hypothesis"] for each in others)
    ]
    if not ids:
        return part("paragraph", "There is no utterance that all heard and any heard differently.")
    references = [first[name]["reference"] for name in ids]
    of_run = [align_words(references, [each[name]["hypothesis"] for name in ids]) for each in of_runs]
    alignments = list(zip(*of_run, strict=True))  # of each utterance by every run
    errors = [list(map(count_errors, each)) for each in alignments]
    order = sorted(range(len(ids)), key=lambda i: (min(errors[i]) - max(errors[i]), -max(errors[i]), ids[i]))
    shown = order[:UTTERANCES_SHOWN]
    rows = [_row(first[ids[i]], names, alignments[i], errors[i]) for i in shown]
    cut = f"; these are the {len(shown)} whose errors differ most." if len(shown) < len(ids) else "."
    return compared_rows(rows, [f"{len(ids)} utterances were heard differently{cut} {LEGEND}"])


def _row(
    record: Record, names: Sequence[str], alignments: Sequence[Sequence[AlignedWord]], errors: Sequence[int]
) -> UtteranceRow:
    words = max(len(record["reference"].split()), 1)
    reference = [(word, "") for word in record["reference"].split()]
    lines: list[tuple[str, Words]] = [("Reference", reference)]
    for name, alignment, wrong in zip(names, alignments, errors, strict=True):
        lines.append((f"{name} {percent(wrong / words)}", words_with_faults(alignment)))
    return UtteranceRow(**facts_of(record), grade="", lines=lines, errors=max(errors))
