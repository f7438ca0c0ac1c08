"""`asr embed`: recordings to vectors that lie close together where one speaker said them."""

from pathlib import Path
from typing import Annotated

import typer

from asr.configuration.entry import exit_status
from asr.screen import console, progress_bar


def embed(
    files: Annotated[list[Path], typer.Argument(help="Recordings, and folders of recordings.")],
    model: Annotated[Path, typer.Option(help="A model that was trained on speakers: RUN_DIR/model.")],
    out: Annotated[str, typer.Option(help="X.npy (ids go to X.ids), ark:X.ark or ark,scp:X.ark,X.scp (Kaldi's).")],
) -> None:
    """Write the embedding of every recording, of length 1, under its path as the id."""
    with exit_status():
        from asr.voices.embedding import open_voice_model, recordings_in, write_embeddings

        recordings = recordings_in(files)
        with progress_bar(console(), "embedding") as on_progress:
            used, vectors = open_voice_model(model).embed(recordings, on_progress=on_progress)
        written = write_embeddings(out, [path.as_posix() for path in used], vectors)
        named = ", ".join(map(str, written))
        console().print(f"{len(used)} embeddings of {vectors.shape[1]} numbers in {named}", soft_wrap=True)
