"""The `asr` command."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from asr import __version__
from asr.configuration import exit_status
from asr.errors import UserError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Look at a corpus, prepare it, pack it; use a trained model.",
)


class Format(StrEnum):
    text = "text"
    json = "json"
    srt = "srt"
    vtt = "vtt"
    ctm = "ctm"


class ShardFormat(StrEnum):
    flac = "flac"
    opus = "opus"


@app.callback()
def asr() -> None:
    """Train with train.py, measure with evaluate.py, tune with tune.py; this command uses what they made."""


@app.command()
def transcribe(
    files: Annotated[list[Path], typer.Argument(help="Recordings: WAV, FLAC, Ogg, Opus, MP3, at any sample rate.")],
    model: Annotated[Path, typer.Option(help="A trained model: RUN_DIR/model.")],
    format: Annotated[Format, typer.Option(help="json: a line a file, with words and times.")] = Format.text,
) -> None:
    """Print what is said in recordings. One that cannot be used is named, the others are transcribed; exit status 2."""
    problems = []

    def tell(problem: UserError) -> None:
        problems.append(problem)
        print(f"error: {problem}", file=sys.stderr)

    with exit_status():
        from asr.recognizer import load
        from asr.transcripts import FORMATS

        write = FORMATS[format.value]
        recognizer = load(model)
        print(write(recognizer.transcribe(files, on_problem=tell), len(files) > 1), end="")
    if problems:
        raise typer.Exit(2)


@app.command()
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
        from asr.data.doctor.command import run as examine

        examine(source, overrides or [], out_dir, run)


@app.command()
def prepare(
    corpus: Annotated[str | None, typer.Argument(help="Its name: asr prepare --list shows them all.")] = None,
    source: Annotated[str | None, typer.Argument(help="The folder with the corpus as it was downloaded.")] = None,
    target: Annotated[Path | None, typer.Argument(help="The folder to make; it is what data.source takes.")] = None,
    options: Annotated[
        list[str] | None, typer.Argument(help="data.dev_fraction=0.05, or name=value of lhotse's recipe.")
    ] = None,
    list_corpora: Annotated[bool, typer.Option("--list", help="Show every corpus that can be prepared.")] = False,
) -> None:
    """Turn a corpus as it was downloaded into manifests with clean splits. Cut off, the same command goes on."""
    with exit_status():
        from asr.data.prepare.command import corpora, run
        from asr.training.progress import console

        if list_corpora:
            console().print(corpora())
        elif corpus is None or source is None or target is None:
            raise UserError("asr prepare takes CORPUS SOURCE TARGET; asr prepare --list shows every corpus")
        else:
            run(corpus, source, target, options or [])


@app.command()
def shard(
    source: Annotated[str, typer.Argument(help="A corpus in any form of data.source.")],
    target: Annotated[Path, typer.Argument(help="The folder to make; it, or its URL, is what data.source takes.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Options of train.py that say how it is read: experiment=fsdd")
    ] = None,
    format: Annotated[ShardFormat, typer.Option(help="flac is exact; opus takes a tenth of it.")] = ShardFormat.flac,
    shard_size: Annotated[int, typer.Option(help="Utterances in a shard.", min=1)] = 1000,
) -> None:
    """Pack a corpus into shards that training reads from first byte to last, from disk or over HTTP."""
    with exit_status():
        from asr.data.shard_command import run

        run(source, target, overrides or [], format.value, shard_size)


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
