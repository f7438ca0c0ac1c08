"""`asr identify`: whose voice a recording is, among those that are known."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from asr.configuration.entry import exit_status
from asr.errors import UserError
from asr.screen import console, print_notes


def identify(
    files: Annotated[list[Path], typer.Argument(help="Recordings, and folders of recordings.")],
    model: Annotated[Path, typer.Option(help="The model that the voices were enrolled with.")],
    voices: Annotated[Path, typer.Option(help="A folder of known voices, which asr enrol made.")],
    top: Annotated[int, typer.Option(help="How many of the closest voices are shown.", min=1)] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for every recording.")] = False,
    search: Annotated[str, typer.Option(help="exact; or faiss, for more than 100 000 voices.")] = "exact",
) -> None:
    """Name the voice of every recording, or "unknown" below the calibrated threshold, and the closest with cosines.

    A recording that cannot be used is named, the others are identified; exit status 2.
    """
    problems = []

    def print_problem(problem: UserError) -> None:
        problems.append(problem)
        print(f"error: {problem}", file=sys.stderr)

    with exit_status():
        from asr.voices.embedding import open_voice_model, recordings_in
        from asr.voices.folder import open_voices
        from asr.voices.identify import check_search, note_on_verdicts
        from asr.voices.identify import identify as identify_recordings

        check_search(search)
        opened = open_voice_model(model)
        known = open_voices(voices, opened.fingerprint)
        used, embeddings = opened.embed(recordings_in(files), print_problem)
        for found in identify_recordings(known, [str(path) for path in used], embeddings, top, search):
            print(json.dumps(found.as_dict(), ensure_ascii=False) if as_json else found)
        print_notes(console(), [note_on_verdicts(known)])
    if problems:
        raise typer.Exit(2)
