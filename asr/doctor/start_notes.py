"""Notes on the transcripts that every training prints at its start: checks that need no audio and no time."""

from collections import defaultdict

from asr.corpus.corpus import Corpus
from asr.corpus.cuts import TRANSCRIPT
from asr.doctor import recordings, splits, transcripts
from asr.doctor.findings import Finding

DESCRIPTIONS = {
    "speaking_rate": "much longer or shorter than their transcripts usually take",
    "transcript_script": "with letters of another script",
    "transcript_characters": "with digits, signs or abbreviations",
    "transcript_duplicate": "with another utterance's transcript",
}


def notes_on_transcripts(corpus: Corpus) -> list[str]:
    """A line a kind of finding with its first example, the most frequent first; the last line says where to look."""
    cuts = {cut.id: cut for part in corpus.splits.values() for cut in part}
    seconds = {name: cut.duration for name, cut in cuts.items()}
    texts = {name: cut.supervisions[0].text for name, cut in cuts.items()}
    written = {name: cut.supervisions[0].custom[TRANSCRIPT] for name, cut in cuts.items()}
    members = [
        splits.UtteranceInSplit(cut.id, split, None, texts[cut.id])
        for split, part in corpus.splits.items()
        for cut in part
    ]
    found: dict[str, list[Finding]] = defaultdict(list)
    for part in (
        recordings.speaking_rates(seconds, texts),
        transcripts.scripts(written),
        transcripts.characters(written),
        transcripts.repetitions(texts),
        splits.shared_with_train(members),
    ):
        for finding in part:
            found[finding.kind].append(finding)
    ordered = sorted(found.items(), key=lambda entry: -len(entry[1]))
    lines = [line_of(kind, findings) for kind, findings in ordered[:2]]
    more = sum(len(findings) for _, findings in ordered[2:])
    how = "asr doctor SOURCE shows and plays them"
    return [*lines, f"{more} more findings; {how}" if more else how] if lines else []


def line_of(kind: str, findings: list[Finding]) -> str:
    first = findings[0]
    if not first.utterance:
        return first.value
    return f"{len(findings)} utterances {DESCRIPTIONS[kind]} (first: {first.utterance}: {first.value})"
