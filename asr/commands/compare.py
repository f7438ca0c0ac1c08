"""`asr compare`: several runs on one page."""

from pathlib import Path
from typing import Annotated

import typer

from asr.configuration.entry import exit_status


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of trainings or evaluations, two or more.")],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("comparison.html"),
) -> None:
    """Put several runs side by side on one page: scores, curves, configurations, utterances where they differ."""
    with exit_status():
        from asr.report.comparison import write_comparison

        print(write_comparison(runs, out))
