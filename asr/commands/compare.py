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
        from asr.errors import UserError
        from asr.report.comparison import write_comparison
        from asr.runs.task_of_run import task_class_of

        tasks = {folder: task_class_of(folder) for folder in runs}
        if len(set(tasks.values())) > 1:
            named = ", ".join(f"{folder}: {task.__name__}" for folder, task in tasks.items())
            raise UserError(f"runs of different tasks cannot be compared ({named})")
        if not tasks:
            raise UserError("a comparison takes two runs or more: asr compare RUN RUN …")
        print(write_comparison(runs, out, next(iter(tasks.values())).presentation))
