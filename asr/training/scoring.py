"""Measure the best weights of a training and write the results into its run folder."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from asr.errors import UserError
from asr.runs.folder import RunFolder
from asr.runs.model_folder import TrainedModel, load_model
from asr.task import Measured, SplitToMeasure
from asr.training.pipeline import Fitted
from asr.writing import write_json, write_json_lines


def best_model(run: RunFolder) -> TrainedModel:
    """The best weights of a training; UserError where none could be used."""
    if not run.model.is_dir():
        raise UserError("no model came of it: at no validation were its loss and weights finite; lower optimizer.lr")
    return load_model(run.model)


def split_to_measure(
    run: RunFolder, fitted: Fitted, split: str, batch_seconds: float, seed: int, screen: Console
) -> SplitToMeasure:
    """A split of the corpus that was trained on, as the model of this run is measured on it."""
    cuts, dataset, device = fitted.corpus.splits[split], fitted.dataset, fitted.device
    return SplitToMeasure(split, cuts, dataset, batch_seconds, 0, seed, device, screen, run.path)


def score(
    run: RunFolder,
    trained: TrainedModel,
    fitted: Fitted,
    splits: Sequence[str],
    batch_seconds: float,
    seed: int,
    screen: Console,
    calibrate: bool = False,
) -> tuple[dict[str, Any], dict[str, Measured]]:
    """Score splits; write metrics.json, errors.json and hypotheses.jsonl. Returns the first, and what was measured.

    calibrate: learn from dev, which comes first, how sure predictions may be, and save that with the model.
    """
    measured = {}
    for split in splits:
        held = split_to_measure(run, fitted, split, batch_seconds, seed, screen)
        measured[split] = trained.task.measure(trained, held, calibrate and split == "dev")
        if calibrate and split == "dev":
            trained.save(run.model)
    metrics = {split: found.metrics for split, found in measured.items()} | {"train": fitted.figures}
    write_json_lines(run.path / "hypotheses.jsonl", (line for found in measured.values() for line in found.lines))
    write_json(run.path / "errors.json", {split: found.errors for split, found in measured.items()})
    write_json(run.metrics, metrics)
    return metrics, measured
