"""`asr classify`: the labels of recordings, by one model or several, and what they mean together."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from asr.configuration.entry import exit_status
from asr.errors import UserError
from asr.screen import console, print_notes


class Format(StrEnum):
    text = "text"
    json = "json"


def classify(
    files: Annotated[list[Path], typer.Argument(help="Recordings, and folders of recordings.")],
    model: Annotated[list[Path], typer.Option(help="A trained model: RUN_DIR/model. Several may be given.")],
    least_probability: Annotated[
        float | None, typer.Option(help="Below it an answer is “uncertain”: 0.4. Default: never.")
    ] = None,
    rules: Annotated[Path | None, typer.Option(help="What labels mean together: rules.yaml.")] = None,
    given: Annotated[list[str] | None, typer.Option(help="For the rules, known otherwise: video=smile.")] = None,
    format: Annotated[Format, typer.Option(help="json: a line for every recording.")] = Format.text,
) -> None:
    """Name the emotion, the gender, the speaker of every recording: whatever the models were trained on.

    A recording that cannot be used is named, the others are labelled; exit status 2.
    """
    failed = False
    with exit_status():
        from asr.evaluation.coverage import check_least_probability
        from asr.use.labels import label_recording, open_classifiers, values_told
        from asr.use.rules import given_labels, read_rules, why_never
        from asr.voices.embedding import recordings_in

        check_least_probability(least_probability, "--least-probability")
        known = given_labels(given or [])
        ruled = read_rules(rules) if rules is not None else []
        recordings = recordings_in(files)
        models = open_classifiers(model)
        told = values_told(models, known)
        print_notes(console(), [f"{rules}: {why}" for why in why_never(ruled, told)])
        for path in recordings:
            try:
                found = label_recording(path, models, least_probability, known, ruled)
            except UserError as problem:
                failed = True
                print(f"error: {problem}", file=sys.stderr)
                continue
            print(found if format == Format.text else json.dumps(found.as_dict(), ensure_ascii=False), flush=True)
    if failed:
        raise typer.Exit(2)
