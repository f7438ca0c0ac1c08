"""The doctor's report.html: what there is, what is wrong with it, with the sound beside it."""

from collections import Counter
from pathlib import Path

from asr.audio.recording import AudioProblem
from asr.corpus.checking import samples_of
from asr.doctor.examine import Diagnosis
from asr.doctor.feasibility import FACTORS
from asr.doctor.findings import REMEDIES, Finding
from asr.doctor.transcripts import character_table
from asr.report import page
from asr.writing import write_whole

SHOWN = 8  # findings of a kind with their sound; the others are listed
LISTED = 200
CHARACTERS_SHOWN = 200


def write_report(diagnosis: Diagnosis, source: str, folder: Path) -> Path:
    """Write report.html into `folder`; returns its path."""
    body = [
        f"<h1>{page.escape(source)}</h1>{page.paragraph(diagnosis.note)}{page.paragraph(diagnosis.split_note)}",
        page.cards(_cards(diagnosis)),
        page.section("What was found", _overview(diagnosis)),
        *(_kind(diagnosis, kind, found) for kind, found in diagnosis.by_kind.items()),
        page.section("What CTC can align", _feasibility(diagnosis)),
        page.section("Characters", _characters(diagnosis)),
    ]
    path = folder / "report.html"
    write_whole(path, page.page(f"{source} – a corpus examined", body))
    return path


def _cards(diagnosis: Diagnosis) -> list[tuple[str, str, str]]:
    utterances = len(diagnosis.utterances)
    speakers = {each.speaker for each in diagnosis.utterances.values()} - {None}
    affected = len({each.utterance for each in diagnosis.findings if each.utterance})
    rates, channels = Counter(diagnosis.rates_hz.values()), sorted(set(diagnosis.channels.values()))
    heard = "mono" if channels == [1] else f"{' or '.join(map(str, channels))} channels, averaged"
    others = f"{len(rates)} different, " if len(rates) > 1 else ""
    return [
        ("Usable", f"{utterances}", f"utterances, {diagnosis.seconds / 3600:.2f} hours"),
        ("Speakers", f"{len(speakers)}" if speakers else "–", "known by name" if speakers else "none is named"),
        ("Sample rate", f"{rates.most_common(1)[0][0] / 1000:g} kHz", f"{others}{heard}"),
        ("Findings", f"{len(diagnosis.findings)}", f"in {affected} utterances"),
    ]


def _overview(diagnosis: Diagnosis) -> str:
    rows = [[kind, str(len(found)), REMEDIES[kind]] for kind, found in diagnosis.by_kind.items()]
    return page.table(["Kind", "#Findings", "Remedy"], rows) or page.paragraph("Nothing.")


def _kind(diagnosis: Diagnosis, kind: str, found: list[Finding]) -> str:
    heard = [_finding(diagnosis, each) for each in found[:SHOWN]]
    whose = page.paragraph(_whose(diagnosis, found))
    rows = [[each.utterance, each.value] for each in found[SHOWN:LISTED]]
    rest = page.table(["Utterance", "Found"], rows)
    if rest:
        rest = f"<details><summary>{len(found) - SHOWN} more (all in findings.jsonl)</summary>{rest}</details>"
    return page.section(kind, page.paragraph(REMEDIES[kind]), whose, *heard, rest)


def _whose(diagnosis: Diagnosis, found: list[Finding]) -> str:
    """The speaker of more than half of several findings, where there are others: a microphone rather than chance."""
    speakers = {name: each.speaker for name, each in diagnosis.utterances.items()}
    counts = Counter(speakers.get(each.utterance) for each in found)
    speaker, count = counts.most_common(1)[0]
    if speaker is None or count < SHOWN or count * 2 <= len(found) or len(set(speakers.values())) == 1:
        return ""
    total = sum(each == speaker for each in speakers.values())
    return f"{count} of {len(found)} are of speaker {speaker}, who has {total} utterances in all."


def _finding(diagnosis: Diagnosis, finding: Finding) -> str:
    head = f"<p><b>{page.escape(finding.utterance)}</b> {page.escape(finding.value)}</p>"
    utterance = diagnosis.utterances.get(finding.utterance)
    if utterance is None or utterance.audio is None or utterance.cut is not None:
        return f'<div class="utterance">{head}</div>'
    rate_hz = diagnosis.rates_hz[utterance.id]
    try:
        samples = samples_of(utterance, rate_hz)
    except AudioProblem:
        return f'<div class="utterance">{head}</div>'
    player = page.audio(samples, rate_hz)
    return f'<div class="utterance">{head}{page.paragraph(diagnosis.texts[utterance.id])}{player}</div>'


def _feasibility(diagnosis: Diagnosis) -> str:
    if not diagnosis.settings:
        return ""
    rows = [
        [setting.tokenizer, *(str(len(setting.infeasible[factor])) for factor in FACTORS)]
        for setting in diagnosis.settings
    ]
    columns = ["Training utterances that cannot be aligned", *(f"#{factor}x" for factor in FACTORS)]
    advice = f"With frames of 10 ms: {diagnosis.recommended}"
    return page.table(columns, rows) + page.paragraph(advice)


def _characters(diagnosis: Diagnosis) -> str:
    written = {name: utterance.text or "" for name, utterance in diagnosis.utterances.items()}
    rows = [[c, name, str(count), example] for c, name, count, example in character_table(written)[:CHARACTERS_SHOWN]]
    return page.table(["Character", "Name", "#Times", "In"], rows)
