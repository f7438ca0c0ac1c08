"""What a recogniser gets wrong: for whom, in which conditions, and which words."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from asr.report.breakdown import breakdown, rates_by
from asr.report.numbers import count, percent
from asr.report.page import part
from asr.report.tables import Bars, Table
from asr.task import Rate
from asr.tasks.transcribe.scoring.confusions import AlignedWord, count_confusions

CONFUSIONS_SHOWN = 15
SPEAKERS_SHOWN, SPEAKERS_LISTED = 10, 500
WER = Rate("wer", "WER")
RECALL = Rate("recall", "Recognised", higher_is_better=True)
WORDS = {"words": "Words"}


def error_rates(scores: Mapping[str, Any]) -> Markup:
    """Error rates by what is known of utterances, and the recall of words by how rare they are in training."""
    rare_words = rates_by(scores.get("rare_words"), RECALL, WORDS, title="Times", key="seen")
    further = [("Words by how often the training transcripts hold them", rare_words)]
    return breakdown(scores.get("breakdown"), WER, WORDS, further)


def speakers(records: Sequence[Mapping[str, Any]], errors: Sequence[int]) -> Markup:
    """The speakers by their word error rate, worst first; nothing where fewer than two are known."""
    totals: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])  # utterances, words, errors
    for record, wrong in zip(records, errors, strict=True):
        if record.get("speaker"):
            total = totals[str(record["speaker"])]
            total[:] = total[0] + 1, total[1] + len(record["reference"].split()), total[2] + wrong
    if len(totals) < 2:
        return Markup()
    rates = {speaker: wrong / max(words, 1) for speaker, (_, words, wrong) in totals.items()}
    worst_first = sorted(rates, key=lambda speaker: (-rates[speaker], speaker))
    rows = [[each, count(totals[each][0]), count(totals[each][1]), percent(rates[each])] for each in worst_first]

    def table(part_of: slice) -> Table:
        bars = Bars.of(WER, [(rates[speaker], None) for speaker in worst_first[part_of]])
        return Table(["Speaker", "#Utterances", "#Words", "#WER"], rows[part_of], bars)

    more = f"{count(len(worst_first) - SPEAKERS_SHOWN)} more speakers, with lower rates"
    cut = f"; here to number {SPEAKERS_LISTED}" if len(worst_first) > SPEAKERS_LISTED else ""
    shown, listed = table(slice(SPEAKERS_SHOWN)), table(slice(SPEAKERS_SHOWN, SPEAKERS_LISTED))
    return part("table", shown) + part("folded", more + cut, part("table", listed))


def confusions(alignments: Sequence[Sequence[AlignedWord]], characters: object) -> Markup:
    """The most frequent errors; characters: those of errors.json, where it is there."""
    found = count_confusions(alignments)
    kinds: dict[str, list[tuple[str, int]]] = {
        "Substituted": [(f"{a} → {b}", n) for (a, b), n in found.substitutions.most_common(CONFUSIONS_SHOWN)],
        "Deleted": found.deletions.most_common(CONFUSIONS_SHOWN),
        "Inserted": found.insertions.most_common(CONFUSIONS_SHOWN),
        "Characters": _characters(characters),
    }
    tables = [
        part("table", Table([kind, "#Times"], [[text, count(times)] for text, times in each]))
        for kind, each in kinds.items()
    ]
    return part("beside", "grid", [("", table) for table in tables if table])


def _characters(found: object) -> list[tuple[str, int]]:
    pairs = found.get("substitutions") if isinstance(found, dict) else None
    known = [pair for pair in pairs if isinstance(pair, dict)] if isinstance(pairs, list) else []
    return [(f"{p.get('reference')} → {p.get('hypothesis')}", p.get("count", 0)) for p in known[:CONFUSIONS_SHOWN]]
