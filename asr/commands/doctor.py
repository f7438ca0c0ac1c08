"""`asr doctor`: from a source to its page, its findings, and a table on the screen."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from asr.configuration.entry import exit_status
from asr.screen import console, progress_bar
from asr.writing import write_whole

if TYPE_CHECKING:  # both import torch
    from asr.doctor.examine import Diagnosis
    from asr.tasks.transcribe.recognizer import Recognizer


def doctor(
    source: Annotated[str, typer.Argument(help="A corpus in any form of data.source.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Options of train.py that say how it is read: experiment=fsdd text.case=keep"),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="A training's folder: its model looks for wrong transcripts.")
    ] = None,
    out_dir: Annotated[Path | None, typer.Option(help="Where the page goes; default: runs/doctor/NAME.")] = None,
) -> None:
    """Look for what is wrong with a corpus; write a page to look at and listen to, and findings.jsonl."""
    with exit_status():
        examine_corpus(source, overrides or [], out_dir, run)


def examine_corpus(source: str, overrides: Sequence[str], out_dir: Path | None, model: Path | None) -> "Diagnosis":
    """Examine `source`, read as train.py with `overrides` would; report.html and findings.jsonl go into `out_dir`.

    With a trained `model` (its folder, or its run's), suspicious.jsonl ranks the transcripts by how badly they fit.
    """
    from hydra.utils import instantiate

    from asr.configuration.compose import load_configuration
    from asr.corpus.source import open_source
    from asr.doctor.examine import examine
    from asr.doctor.page import write_report
    from asr.tasks.transcribe.text.target import TranscriptTarget
    from asr.use.load import load_recognizer

    config = load_configuration("train", [*overrides, f"data.source={source}"])
    screen = console()
    folder = out_dir or Path("runs") / "doctor" / Path(source).expanduser().resolve().name
    folder.mkdir(parents=True, exist_ok=True)
    recognizer = load_recognizer(model) if model is not None else None
    reader, begun = instantiate(config.data.reader), time.monotonic()
    utterances = open_source(source, reader, tuple, config.data.text)
    with progress_bar(screen, "examining") as on_progress:
        diagnosis = examine(
            utterances,
            TranscriptTarget(instantiate(config.text)),
            config.data.dev_fraction,
            config.data.test_fraction,
            on_progress,
        )
    spent = time.monotonic() - begun
    if recognizer is not None:
        rank_transcripts(recognizer, diagnosis, folder)
    lines = [json.dumps(each.as_dict(), ensure_ascii=False) + "\n" for each in diagnosis.findings]
    write_whole(folder / "findings.jsonl", "".join(lines))
    report = write_report(diagnosis, source, folder)
    screen.print(table_of(diagnosis))
    hours, speed = diagnosis.seconds / 3600, diagnosis.seconds / max(spent, 1e-3)
    screen.print(
        f"{len(diagnosis.utterances)} usable utterances, {hours:.2f} hours, examined in {spent:.1f} s "
        f"({speed:.0f} times real time); {report}",
        soft_wrap=True,
    )
    return diagnosis


def rank_transcripts(recognizer: "Recognizer", diagnosis: "Diagnosis", folder: Path) -> None:
    """Rank every transcript, write suspicious.jsonl, and add those that stand out to the findings."""
    from asr.doctor.findings import Finding
    from asr.doctor.suspects import ranked_by_suspicion, suspicious

    with progress_bar(console(), "listening") as on_progress:
        seconds = {name: measures.seconds for name, measures in diagnosis.measures.items()}
        found = ranked_by_suspicion(recognizer, diagnosis.utterances, diagnosis.texts, seconds, on_progress)
    texts = diagnosis.texts
    lines = [
        {
            "utterance": each.utterance,
            "nats_per_token": each.nats if math.isfinite(each.nats) else None,  # null: it could not be aligned
            "transcript": texts[each.utterance],
            "heard": each.heard,
        }
        for each in found
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    write_whole(folder / "suspicious.jsonl", text)
    for each in suspicious(found):
        value = f"heard: {each.heard} ({each.nats:.1f} nats a token likelier); written: {texts[each.utterance]}"
        diagnosis.findings.append(Finding("transcript_suspect", each.utterance, value))


def table_of(diagnosis: "Diagnosis") -> Table:
    """A row for each kind of finding."""
    from asr.doctor.findings import REMEDIES

    table = Table("finding", "times", "for example", "remedy")
    for kind, found in diagnosis.by_kind.items():
        table.add_row(kind, str(len(found)), f"{found[0].utterance} {found[0].value}".strip()[:120], REMEDIES[kind])
    return table
