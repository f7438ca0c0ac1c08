"""`asr transcribe`: recordings to text, captions or times."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from asr.configuration.entry import exit_status
from asr.errors import UserError


class Format(StrEnum):
    text = "text"
    json = "json"
    srt = "srt"
    vtt = "vtt"
    ctm = "ctm"
    textgrid = "textgrid"


def transcribe(
    files: Annotated[list[Path], typer.Argument(help="Recordings: WAV, FLAC, Ogg, Opus, MP3, at any sample rate.")],
    model: Annotated[Path, typer.Option(help="A trained model: RUN_DIR/model.")],
    format: Annotated[Format, typer.Option(help="json: a line a file, with words and times.")] = Format.text,
    times: Annotated[bool, typer.Option("--times", help="With the text format: when each line is said.")] = False,
    decoder: Annotated[str | None, typer.Option(help="greedy or beam, in place of the model's own.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="Of it: language_model=lm.arpa, lm_weight=0.5, hotwords=[anna,li]."),
    ] = None,
) -> None:
    """Print what is said in recordings. One that cannot be used is named, the others are transcribed; exit status 2."""
    problems = []

    def print_problem(problem: UserError) -> None:
        problems.append(problem)
        print(f"error: {problem}", file=sys.stderr)

    with exit_status():
        from asr.use.formats import writer
        from asr.use.load import load_recognizer

        write = writer(format.value, times)
        recognizer = load_recognizer(model)
        if decoder is not None:
            recognizer.decode_with(decoder_values(decoder, option or []))
        elif option:
            raise UserError("--option belongs to a decoder: give --decoder beam too")
        print(write(recognizer.transcribe(files, on_problem=print_problem), len(files) > 1), end="")
    if problems:
        raise typer.Exit(2)


def decoder_values(name: str, options: list[str]) -> dict:
    """What conf/decoder/NAME.yaml says, with KEY=VALUE options."""
    from asr.configuration.compose import as_plain_values, load_configuration

    overrides = [f"decoder={name}", *(f"decoder.{option}" for option in options)]
    return as_plain_values(load_configuration("evaluate", overrides).decoder)
