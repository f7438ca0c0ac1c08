"""The `asr` command: its verbs, each of a file of asr/commands/, in the order in which they are needed."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from asr.commands import scripts
from asr.commands.align import align
from asr.commands.classify import classify
from asr.commands.compare import compare
from asr.commands.doctor import doctor
from asr.commands.embed import embed
from asr.commands.enrol import enrol
from asr.commands.export import export
from asr.commands.identify import identify
from asr.commands.lm import lm
from asr.commands.pool import pool
from asr.commands.prepare import prepare
from asr.commands.serve import serve
from asr.commands.shard import shard
from asr.commands.transcribe import transcribe
from asr.commands.tune_decoder import tune_decoder
from asr.commands.verify import verify
from asr.commands.version import version
from asr.configuration.entry import exit_status
from asr.configuration.search_path import config_dir_arguments, use_config_dir

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Look at a corpus, prepare it, pack it; train, tune, measure; use a trained model.",
)


@app.callback()
def asr(
    config_dir: Annotated[
        Path | None,
        typer.Option(help="A folder laid out as conf/ is, with encoders and so on of your own that may be used."),
    ] = None,
) -> None:
    """Train a model on your own recordings, measure it, use it. asr VERB --help says more."""
    with exit_status():
        use_config_dir(config_dir)


def add_script(script: Callable[[list[str]], None]) -> None:
    """A verb that takes what the script of its name takes, --help included, as it is typed."""

    def verb(context: typer.Context) -> None:
        script([*config_dir_arguments(), *context.args])

    as_typed = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(script.__name__, help=script.__doc__, add_help_option=False, context_settings=as_typed)(verb)


for each in (scripts.train, scripts.tune, scripts.evaluate):
    add_script(each)
recognition = (doctor, prepare, shard, transcribe, align, compare, pool, lm, tune_decoder, export)
voices = (classify, embed, enrol, identify, verify)
for verb in (*recognition, *voices, serve, version):
    app.command()(verb)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
