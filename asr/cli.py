"""The `asr` command."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from asr import __version__
from asr.configuration.compose import exit_status
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
    textgrid = "textgrid"


class ShardFormat(StrEnum):
    flac = "flac"
    opus = "opus"


class ExportFormat(StrEnum):
    onnx = "onnx"
    pt2 = "pt2"


class Units(StrEnum):
    words = "words"
    tokens = "tokens"


@app.callback()
def asr() -> None:
    """Train with train.py, measure with evaluate.py, tune with tune.py; this command uses what they made."""


@app.command()
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

    def tell(problem: UserError) -> None:
        problems.append(problem)
        print(f"error: {problem}", file=sys.stderr)

    with exit_status():
        from asr.use.formats import writer
        from asr.use.load import load

        write = writer(format.value, times)
        recognizer = load(model)
        if decoder is not None:
            recognizer.decode_with(decoder_settings(decoder, option or []))
        elif option:
            raise UserError("--option belongs to a decoder: give --decoder beam too")
        print(write(recognizer.transcribe(files, on_problem=tell), len(files) > 1), end="")
    if problems:
        raise typer.Exit(2)


def decoder_settings(name: str, options: list[str]) -> dict:
    """What conf/decoder/NAME.yaml says, with KEY=VALUE options."""
    from asr.configuration.compose import load_configuration, settings

    overrides = [f"decoder={name}", *(f"decoder.{option}" for option in options)]
    return settings(load_configuration("evaluate", overrides).decoder)


@app.command()
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
        from asr.use.load import load

        write = writer(format.value, times)
        try:
            text = transcript.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{transcript}: cannot be read as UTF-8 text ({error}); give a text file") from error
        print(write([load(model).align(audio, text)], False), end="")


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
        from asr.commands.doctor import run as examine

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
        from asr.commands.prepare import corpora, run
        from asr.screen import console

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
        from asr.commands.shard import run

        run(source, target, overrides or [], format.value, shard_size)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of trainings or evaluations, two or more.")],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("comparison.html"),
) -> None:
    """Put several runs side by side on one page: scores, curves, configurations, utterances where they differ."""
    with exit_status():
        from asr.report.comparison import write_comparison
        from asr.tasks.transcribe.report.presentation import TranscriptPresentation

        print(write_comparison(runs, out, TranscriptPresentation()))


@app.command()
def lm(
    texts: Annotated[list[Path] | None, typer.Argument(help="Plain text, a sentence a line.")] = None,
    run: Annotated[
        Path | None, typer.Option(help="A training's folder: its normalization, its tokens, its transcripts.")
    ] = None,
    order: Annotated[int, typer.Option(help="Words in an n-gram.")] = 3,
    units: Annotated[Units, typer.Option(help="tokens: those of the run's model.")] = Units.words,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("lm.arpa"),
    held_out: Annotated[Path | None, typer.Option(help="Other text, whose perplexity is told.")] = None,
) -> None:
    """Estimate an n-gram language model (modified Kneser-Ney) and write it as ARPA."""
    with exit_status():
        from asr.commands.lm import run as estimate

        estimate(texts or [], run, order, units is Units.tokens, out, held_out)


@app.command()
def tune_decoder(
    run: Annotated[Path, typer.Argument(help="A training's folder; its dev set is decoded again and again.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Options of evaluate.py: decoder.beam=64 data.source=PATH")
    ] = None,
    language_model: Annotated[
        Path | None, typer.Option("--lm", help="An ARPA file; default: estimated from the training transcripts.")
    ] = None,
    units: Annotated[Units, typer.Option(help="What the estimated model is of.")] = Units.tokens,
    order: Annotated[int, typer.Option(help="Words, or tokens, in an n-gram of the estimated model.")] = 6,
    trials: Annotated[int, typer.Option(help="Settings to try.", min=1)] = 60,
) -> None:
    """Find a beam search's weights on dev, and save it with its language model as the model's decoder."""
    with exit_status():
        from asr.commands.tune_decoder import run as tune

        tune(run, language_model, order, units is Units.tokens, trials, overrides or [])


@app.command()
def export(
    model: Annotated[Path, typer.Argument(help="A trained model: RUN_DIR or RUN_DIR/model.")],
    format: Annotated[ExportFormat, typer.Option(help="pt2: torch.export's own.")] = ExportFormat.onnx,
    int8: Annotated[bool, typer.Option("--int8", help="ONNX with linear and LSTM weights of 8 bits.")] = False,
    out: Annotated[Path | None, typer.Option(help="The file to write; default: model.onnx or model.pt2.")] = None,
) -> None:
    """Write features, encoder and head as one file for programs that do not have this one."""
    with exit_status():
        from asr.commands.export import run

        run(model, format.value, int8, out)


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
