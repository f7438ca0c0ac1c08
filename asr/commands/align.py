"""`asr align`: when each word of a known text is said."""

from pathlib import Path
from typing import Annotated

import typer

from asr.commands.transcribe import Format
from asr.configuration.entry import exit_status
from asr.errors import UserError


def align(
    audio: Annotated[Path, typer.Argument(help="A recording.")],
    transcript: Annotated[Path, typer.Argument(help="A text file with what is said in it.")],
    model: Annotated[Path, typer.Option(help="A trained model: RUN_DIR/model.")],
    format: Annotated[Format, typer.Option(help="json: words, times, confidences.")] = Format.ctm,
    times: Annotated[bool, typer.Option("--times", help="With the text format: when each line is said.")] = False,
) -> None:
    """Find when each word of a known text is said, in a recording of any length; lines of the text become captions."""
    with exit_status():
        from asr.use.formats import writer
        from asr.use.load import load_recognizer

        write = writer(format.value, times)
        try:
            text = transcript.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{transcript}: cannot be read as UTF-8 text ({error}); give a text file") from error
        print(write([load_recognizer(model).align(audio, text)], False), end="")
