"""Examine a corpus: decode and measure every recording once, read every transcript, collect the findings."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from asr.corpus.checking import Progress, check_all, with_targets
from asr.corpus.splits import Member, assign_splits
from asr.corpus.utterance import Reading, Rejection, Utterance, UtteranceFacts
from asr.doctor import feasibility, recordings, splits, transcripts
from asr.doctor.findings import REMEDIES, Finding
from asr.doctor.measures import Measures, measure
from asr.errors import UserError

KIND_OF_REASON = {
    "audio_missing": "unreadable",
    "audio_unreadable": "unreadable",
    "audio_not_finite": "unreadable",
    "manifest_line": "unreadable",
    "audio_truncated": "truncated",
    "audio_empty": "empty",
    "audio_silent": "silent",
    "transcript_missing": "transcript_empty",
    "transcript_empty": "transcript_empty",
    "transcript_not_utf8": "transcript_characters",
    "duplicate_id": "transcript_duplicate",
    "too_long": "speaking_rate",
    "unknown_characters": "transcript_characters",
    "ctc_infeasible": "ctc_infeasible",
    "not_finite": "unreadable",
    "target_missing": "transcript_empty",  # of other tasks, whose targets are no transcripts
    "target_unknown": "transcript_characters",
}
HOP_S = 0.01
LONGEST_S = 24 * 3600.0


@dataclass
class Diagnosis:
    """What an examination gives; `texts` are normalised, keys are utterance ids, rates are in Hz."""

    note: str
    split_note: str
    findings: list[Finding]
    utterances: dict[str, Utterance]
    texts: dict[str, str]
    measures: dict[str, Measures]
    rates_hz: dict[str, int]
    channels: dict[str, int]
    settings: list[feasibility.Setting]
    recommended: str

    @property
    def seconds(self) -> float:
        return sum(measures.seconds for measures in self.measures.values())

    @property
    def by_kind(self) -> dict[str, list[Finding]]:
        """Findings of each kind that there is, in the order of REMEDIES."""
        sorted_out = {kind: [each for each in self.findings if each.kind == kind] for kind in REMEDIES}
        return {kind: found for kind, found in sorted_out.items() if found}


def examine(
    utterances: Iterable[Utterance],
    target_of: Callable[[UtteranceFacts], str],
    dev_fraction: float,
    test_fraction: float,
    on_progress: Progress | None = None,
) -> Diagnosis:
    """Decode, measure and read everything. Raises UserError where there is nothing, or nothing that can be used."""
    note = utterances.note if isinstance(utterances, Reading) else ""
    rejected: list[Rejection] = []
    targeted = with_targets(utterances, target_of, rejected)
    outcomes = list(check_all(targeted, None, LONGEST_S, on_progress, measure))
    rejected += [outcome.rejection for outcome in outcomes if outcome.rejection is not None]
    checked = [outcome for outcome in outcomes if outcome.rejection is None]
    found = [_of_rejection(each) for each in rejected]
    if not checked:
        raise UserError(f"nothing can be used: {found[0].utterance}: {found[0].value}" if found else "no utterances")
    usable = {each.utterance.id: each.utterance for each in checked}
    measures = {each.utterance.id: each.measures for each in checked}
    rates_hz = {each.utterance.id: each.original_rate for each in checked}
    channels = {each.utterance.id: each.channels for each in checked}
    written = {name: utterance.text or "" for name, utterance in usable.items()}
    texts = {item.utterance.id: item.target for item in targeted if item.utterance.id in usable}
    placed, split_note = _with_splits(usable, texts, dev_fraction, test_fraction)
    train = [each.id for each in placed if each.split == "train"]
    seconds = {name: m.seconds for name, m in measures.items()}
    settings = feasibility.settings(seconds, texts, train, HOP_S) if train else []
    for part in (
        recordings.faults_of_recordings(measures, rates_hz),
        recordings.other_channels(channels),
        recordings.copies(measures, {each.id: each.split for each in placed}),
        recordings.speaking_rates(seconds, texts, {name: m.speech_seconds for name, m in measures.items()}),
        transcripts.scripts(written),
        transcripts.characters(written),
        transcripts.repetitions(texts),
        splits.shared_with_train(placed),
        splits.small_splits(placed),
        _infeasible(settings),
    ):
        found += part
    return Diagnosis(
        note,
        split_note,
        found,
        usable,
        texts,
        measures,
        rates_hz,
        channels,
        settings,
        feasibility.recommended(settings, len(train)) if settings else "",
    )


def _with_splits(
    usable: Mapping[str, Utterance], texts: Mapping[str, str], dev_fraction: float, test_fraction: float
) -> tuple[list[splits.UtteranceInSplit], str]:
    """Every utterance in its split, and how that was chosen."""
    members = [Member(each.id, each.speaker, each.split) for each in usable.values()]
    assigned, note = assign_splits(members, dev_fraction, test_fraction)
    each_split = zip(members, assigned, strict=True)
    return [
        splits.UtteranceInSplit(member.id, split, member.speaker, texts[member.id]) for member, split in each_split
    ], note


def _of_rejection(rejection: Rejection) -> Finding:
    return Finding(KIND_OF_REASON[rejection.reason], rejection.id, rejection.detail)


def _infeasible(settings: list[feasibility.Setting]) -> Iterator[Finding]:
    """Utterances that the default, characters at 4x, cannot align."""
    for setting in settings[:1]:
        for name in setting.infeasible[4]:
            yield Finding("ctc_infeasible", name, f"too short for its transcript with {setting.tokenizer} at 4x")
