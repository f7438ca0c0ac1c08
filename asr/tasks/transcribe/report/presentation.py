"""Transcripts as the pages of runs and comparisons show them."""

from collections.abc import Mapping, Sequence
from typing import Any

from asr.evaluation.bootstrap import speakers_of
from asr.report.calibration import calibration
from asr.report.page import Section
from asr.runs.files import Record, RunFiles
from asr.task import Rate
from asr.tasks.transcribe.report.differing import differing_utterances
from asr.tasks.transcribe.report.errors import confusions, error_rates, speakers
from asr.tasks.transcribe.report.utterances import utterances
from asr.tasks.transcribe.report.words import count_errors
from asr.tasks.transcribe.scoring.confusions import align_words
from asr.tasks.transcribe.scoring.measurement import score_lines
from asr.tasks.transcribe.scoring.significance import compare
from asr.tasks.transcribe.scoring.wer import CER, WER, characters_as_words, score

FEWEST_COMPARED = 2  # utterances


class TranscriptPresentation:
    """Speech recognition, judged by word and character error rates (asr.report.presentation.Presentation)."""

    title = "speech recognition"
    rates = (WER, CER)
    counts = (
        ("words", "Words"),
        ("substitutions", "Substituted"),
        ("deletions", "Deleted"),
        ("insertions", "Inserted"),
    )

    def sections(
        self, run: RunFiles, split: str, records: Sequence[Record], media: Mapping[str, Any]
    ) -> Sequence[Section]:
        """Errors by condition, speaker and word, and every utterance; media: Clip by utterance id."""
        scores, errors = run.metrics.get(split, {}), run.errors.get(split, {})
        alignments = align_words([each["reference"] for each in records], [each["hypothesis"] for each in records])
        return [
            Section(f"Where it errs ({split})", error_rates(scores)),
            Section(f"Speakers ({split})", speakers(records, [count_errors(each) for each in alignments])),
            Section(f"Frequent confusions ({split})", confusions(alignments, errors.get("characters"))),
            Section(f"Utterances ({split})", utterances(records, alignments, media)),
            Section("Confidence", calibration(scores.get("calibration"), "words")),
        ]

    def differing(self, names: Sequence[str], records: Sequence[Sequence[Record]]) -> Section | None:
        """Utterances that all runs transcribed, those whose errors differ most first."""
        return Section("Utterances where they differ most", differing_utterances(names, records))

    def score_lines(self, lines: Sequence[Record], seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Error rates with intervals over speakers, for whom and in what it errs."""
        return score_lines(lines, seed)

    def interval(self, lines: Sequence[Record], rate: Rate) -> Sequence[float]:
        """95 % interval of an error rate, by the bootstrap over speakers."""
        references, hypotheses = ([line[key] for line in lines] for key in ("reference", "hypothesis"))
        return getattr(score(references, hypotheses, speakers_of(lines)), f"{rate.name}_ci95")

    def compare(
        self, lines: Sequence[Record], others: Sequence[Record], seed: int, rate: Rate | None = None
    ) -> Mapping[str, Any] | None:
        """The bootstrap over speakers and MAPSSWE, as comparison.json holds them; of characters where `rate` is CER."""
        if len(lines) < FEWEST_COMPARED or not any(line["reference"].split() for line in lines):
            return None
        parts = (lines, "reference"), (lines, "hypothesis"), (others, "hypothesis")
        texts = [[line[key] for line in some] for some, key in parts]
        if rate is not None and rate.name == "cer":
            texts = [list(map(characters_as_words, each)) for each in texts]
        references, ours, theirs = texts
        return compare(references, ours, theirs, speakers_of(lines), seed).as_dict()
