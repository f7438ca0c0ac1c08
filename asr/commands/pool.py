"""`asr pool`: several folds of a cross-validation as one evaluation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from asr.configuration.entry import exit_status
from asr.errors import UserError
from asr.screen import console


def pool(
    runs: Annotated[list[Path], typer.Argument(help="Folders of trainings, one a fold: runs/…/fold-*.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("runs/pooled"),
    split: Annotated[
        str | None, typer.Option(help="Of each run: dev, or test; default: test where data.test_folds was set.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.", min=0)] = 1,
) -> None:
    """Score the folds of a cross-validation together: every speaker held out once, intervals over all of them."""
    with exit_status():
        pool_runs(runs, out, split, seed)


def pool_runs(runs: list[Path], out: Path, split: str | None, seed: int) -> None:
    """Write metrics.json, errors.json, hypotheses.jsonl and report.html of the runs' predictions, and say the rates.

    split: None is test where the runs have data.test_folds, else dev. Raises UserError where a run has none of the
    split, where two have predicted the same utterance, or where they were not divided alike.
    """
    from asr.report.run import write_report
    from asr.runs.against import read_lines
    from asr.runs.task_of_run import task_class_of
    from asr.writing import write_json, write_json_lines

    folds = folds_of(runs)
    split = split or ("test" if folds.key == "test_folds" else "dev")
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
    divided = [note for run in runs if (note := how_divided(run))]
    metrics |= {"splits": divided} if divided else {}
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
        f"{len(runs)} runs{f' ({folds})' if folds.count else ''}, {len(lines)} utterances, intervals over {over}; "
        f"report {report}",
        soft_wrap=True,
    )
    for note in divided[:1]:
        console().print(f"the first: {note}", soft_wrap=True, highlight=False)


def how_divided(run: Path) -> str | None:
    """The line of a run's metrics.json that says what its splits were drawn by."""
    import json

    file = run / "metrics.json"
    try:
        note = json.loads(file.read_text("utf-8"))["train"]["splits"] if file.is_file() else None
    except (ValueError, KeyError, TypeError, OSError):
        return None
    return note if isinstance(note, str) else None


@dataclass(frozen=True)
class Folds:
    """How the runs' corpora were divided: `key` test_folds or folds into `count` parts (None: not at all)."""

    runs: int
    key: str | None
    count: int | None
    unit: str | None

    def __str__(self) -> str:
        return f"{self.runs} of {self.count} parts" + (f" by {self.unit}" if self.unit else "")


def folds_of(runs: list[Path]) -> Folds:
    """What the runs' configurations say; UserError where it is not the same of all."""
    from asr.runs.folder import read_config

    found: dict[Folds, Path] = {}
    for run in runs:
        data = read_config(run / "config.yaml").get("data") if (run / "config.yaml").is_file() else None
        data = data if isinstance(data, dict) else {}
        key = next((key for key in ("test_folds", "folds") if data.get(key)), None)
        found.setdefault(Folds(len(runs), key, data.get(key) if key else None, data.get("split_by")), run)
    if len(found) > 1:
        (one, other), (first, second) = list(found)[:2], list(found.values())[:2]
        how = [f"data.{each.key or 'folds'}={each.count or 'null'}" for each in (one, other)]
        how = [f"{text} data.split_by={each.unit or 'null'}" for text, each in zip(how, (one, other), strict=True)]
        raise UserError(f"{first} has {how[0]} and {second} {how[1]}; give the runs of one cross-validation")
    return next(iter(found))
