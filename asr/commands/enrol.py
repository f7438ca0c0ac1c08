"""`asr enrol`: recordings of a person become a known voice."""

from pathlib import Path
from typing import Annotated

import typer

from asr.configuration.entry import exit_status
from asr.screen import console


def enrol(
    name: Annotated[str, typer.Argument(help="What the voice is called; one that is known gets more recordings.")],
    files: Annotated[list[Path], typer.Argument(help="Recordings of this person alone; three or more are better.")],
    model: Annotated[Path, typer.Option(help="A model that was trained on speakers: RUN_DIR/model.")],
    voices: Annotated[Path, typer.Option(help="The folder of known voices; made where it is missing.")],
) -> None:
    """Add a voice to a folder of known voices, or recordings to a voice; the average of all stands for it."""
    with exit_status():
        from asr.voices.embedding import open_voice_model, recordings_in
        from asr.voices.folder import check_name, one_writer, open_voices, recording_of, save_voices

        check_name(name)
        paths = recordings_in(files)
        opened = open_voice_model(model)
        open_voices(voices, opened.fingerprint, new=True)  # a folder of another model is refused before the work
        paths, embeddings = opened.embed(paths)
        added = [recording_of(name, path) for path in paths]
        with one_writer(voices):
            before = open_voices(voices, opened.fingerprint, new=True)
            after = before.enrol(name, added, embeddings)
            save_voices(voices, after)
        forgotten = len(before.calibrations) - len(after.calibrations)
        has = sum(recording.voice == name for recording in after.recordings)
        console().print(f"{name}: {has} recordings; {len(after.names)} voices in {voices}", soft_wrap=True)
        if forgotten:
            console().print("the threshold for strangers depends on all voices: calibrate again", soft_wrap=True)
