"""The doctor's report.html: what there is, what is wrong with it, with the sound beside it."""

from collections import Counter
from pathlib import Path
from typing import Any

from markupsafe import Markup

from asr.audio.recording import AudioProblem
from asr.corpus.checking import samples_of
from asr.doctor.examine import Diagnosis
from asr.doctor.feasibility import FACTORS
from asr.doctor.findings import REMEDIES, Finding
from asr.doctor.transcripts import character_table
from asr.report.page import Section, page, part, render
from asr.report.sound import encode
from asr.report.tables import Table
from asr.writing import write_whole

SHOWN = 8  # findings of a kind with their sound; the others are listed
LISTED = 200
CHARACTERS_SHOWN = 200
PACKAGE = "asr.doctor"


def write_report(diagnosis: Diagnosis, source: str, folder: Path) -> Path:
    """Write report.html into `folder`; returns its path."""
    notes = [diagnosis.note, diagnosis.split_note]
    introduction = render("doctor_introduction.html", PACKAGE, notes=notes, cards=_cards(diagnosis))
    sections = [
        Section("What was found", _overview(diagnosis)),
        *(Section(kind, _findings(diagnosis, kind, found)) for kind, found in diagnosis.by_kind.items()),
        Section("What CTC can align", _feasibility(diagnosis)),
        Section("Characters", _characters(diagnosis)),
    ]
    path = folder / "report.html"
    write_whole(path, page(f"{source} – a corpus examined", sections, heading=source, introduction=introduction))
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


def _overview(diagnosis: Diagnosis) -> Markup:
    rows = [[kind, str(len(found)), REMEDIES[kind]] for kind, found in diagnosis.by_kind.items()]
    return part("table", Table(["Kind", "#Findings", "Remedy"], rows)) or part("paragraph", "Nothing.")


def _findings(diagnosis: Diagnosis, kind: str, found: list[Finding]) -> Markup:
    """The first findings of a kind with their sound; the others as a list."""
    rows = [[each.utterance, each.value] for each in found[SHOWN:LISTED]]
    return render(
        "doctor_findings.html",
        PACKAGE,
        remedy=REMEDIES[kind],
        speaker=_speaker_of_most(diagnosis, found),
        heard=[_finding(diagnosis, each) for each in found[:SHOWN]],
        more=len(found) - SHOWN,
        listed=Table(["Utterance", "Found"], rows),
    )


def _speaker_of_most(diagnosis: Diagnosis, found: list[Finding]) -> str:
    """The speaker of more than half of several findings, where there are others: a microphone rather than chance."""
    speakers = {name: each.speaker for name, each in diagnosis.utterances.items()}
    counts = Counter(speakers.get(each.utterance) for each in found)
    speaker, count = counts.most_common(1)[0]
    if speaker is None or count < SHOWN or count * 2 <= len(found) or len(set(speakers.values())) == 1:
        return ""
    total = sum(each == speaker for each in speakers.values())
    return f"{count} of {len(found)} are of speaker {speaker}, who has {total} utterances in all."


def _finding(diagnosis: Diagnosis, finding: Finding) -> dict[str, Any]:
    """A finding with the utterance's text and sound, as far as it can be played."""
    shown: dict[str, Any] = {"utterance": finding.utterance, "value": finding.value, "text": "", "sound": None}
    utterance = diagnosis.utterances.get(finding.utterance)
    if utterance is None or utterance.audio is None or utterance.cut is not None:
        return shown
    rate_hz = diagnosis.rates_hz[utterance.id]
    try:
        samples = samples_of(utterance, rate_hz)
    except AudioProblem:
        return shown
    return shown | {"text": diagnosis.texts[utterance.id], "sound": encode(samples, rate_hz)}


def _feasibility(diagnosis: Diagnosis) -> Markup:
    if not diagnosis.settings:
        return Markup()
    rows = [
        [setting.tokenizer, *(str(len(setting.infeasible[factor])) for factor in FACTORS)]
        for setting in diagnosis.settings
    ]
    columns = ["Training utterances that cannot be aligned", *(f"#{factor}x" for factor in FACTORS)]
    advice = f"With frames of 10 ms: {diagnosis.recommended}"
    return part("table", Table(columns, rows)) + part("paragraph", advice)


def _characters(diagnosis: Diagnosis) -> Markup:
    written = {name: utterance.text or "" for name, utterance in diagnosis.utterances.items()}
    rows = [[c, name, str(count), example] for c, name, count, example in character_table(written)[:CHARACTERS_SHOWN]]
    return part("table", Table(["Character", "Name", "#Times", "In"], rows))
