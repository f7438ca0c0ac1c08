"""`asr pool`: several folds of a cross-validation as one evaluation."""

from pathlib import Path
from typing import Annotated, Any

import typer

from asr.configuration.entry import exit_status
from asr.errors import UserError
from asr.screen import console


def pool(
    runs: Annotated[list[Path], typer.Argument(help="Folders of trainings, one a fold: runs/…/fold-*.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("runs/pooled"),
    split: Annotated[str, typer.Option(help="Of each run: dev, or test.")] = "dev",
    seed: Annotated[int, typer.Option(help="Of the bootstrap.", min=0)] = 1,
) -> None:
    """Score the folds of a cross-validation together: every speaker held out once, intervals over all of them."""
    with exit_status():
        pool_runs(runs, out, split, seed)


def pool_runs(runs: list[Path], out: Path, split: str, seed: int) -> None:
    """Write metrics.json, errors.json, hypotheses.jsonl and report.html of the runs' predictions, and say the rates.

    Raises UserError where a run has none of the split, or where two have predicted the same utterance.
    """
    from asr.report.run import write_report
    from asr.runs.against import read_lines
    from asr.runs.task_of_run import task_class_of
    from asr.writing import write_json, write_json_lines

    lines: list[Any] = []
    whose: dict[str, Path] = {}
    for run in runs:
        file = run / "hypotheses.jsonl"
        found = [line for line in read_lines(file) if line.get("split") == split] if file.is_file() else []
        if not found:
            raise UserError(f"{run}: has no predictions of {split}; give finished trainings, or another --split")
        for line in found:
            if (other := whose.setdefault(line["id"], run)) is not run:
                raise UserError(f"{line['id']} is held out by {other} and by {run}; give each fold once")
        lines += found
    tasks = {task_class_of(run) for run in runs}
    if len(tasks) > 1:
        raise UserError(f"runs of different tasks cannot be pooled: {', '.join(task.__name__ for task in tasks)}")
    presentation = tasks.pop().presentation
    metrics, errors = presentation.score_lines(lines, seed)
    out.mkdir(parents=True, exist_ok=True)
    write_json_lines(out / "hypotheses.jsonl", lines)
    write_json(out / "errors.json", {split: errors})
    write_json(out / "metrics.json", {split: metrics})
    report = write_report(out, presentation)
    for rate in presentation.rates:
        low, high = metrics[f"{rate.name}_ci95"]
        print(f"{rate.title} {metrics[rate.name]:.2%} ({low:.2%} to {high:.2%})")
    over = f"{metrics['interval_units']} {metrics['interval_over']}"
    console().print(
        f"{len(runs)} runs, {len(lines)} utterances, intervals over {over}; report {report}", soft_wrap=True
    )
