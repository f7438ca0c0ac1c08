"""Another model's predictions of the same utterances: those in its folder, else its model is run on them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from asr.corpus.batches import evaluation_batches
from asr.errors import UserError
from asr.runs.model_folder import TrainedModel, load_model
from asr.screen import print_notes, progress_bar
from asr.task import SplitToMeasure

Line = Mapping[str, Any]
REMEDY = "; evaluate both on the same data"
DURATIONS_DIFFER_S = 0.02  # by which durations of one recording may differ


class DifferentUtterances(UserError):
    """The other predictions are not of the same utterances, so they cannot be compared."""


@dataclass(frozen=True)
class OtherPredictions:
    """A run or an evaluation's folder, and its lines of hypotheses.jsonl for the split."""

    path: Path
    lines: list[Line]
    is_run: bool

    def hypotheses(self, lines: Sequence[Line], normalize: Callable[[str], str]) -> list[str]:
        """Its hypotheses of these utterances; DifferentUtterances for the first that is missing or not the same."""
        its_own = {line["id"]: line for line in self.lines}
        for line in lines:
            name, other = line["id"], its_own.pop(line["id"], None)
            if other is None:
                raise DifferentUtterances(f"against={self.path}: it has no hypothesis of {name}{REMEDY}")
            if normalize(other["reference"]) != normalize(line["reference"]):
                said = f"'{other['reference']}' instead of '{line['reference']}'"
                raise DifferentUtterances(f"against={self.path}: its reference of {name} is {said}{REMEDY}")
            if abs(other.get("duration", line["duration"]) - line["duration"]) > DURATIONS_DIFFER_S:
                lasts = f"{other['duration']} s instead of {line['duration']} s"
                raise DifferentUtterances(f"against={self.path}: its {name} lasts {lasts}{REMEDY}")
        if its_own:
            more = f"{len(its_own)} more utterances, such as {next(iter(its_own))}"
            raise DifferentUtterances(f"against={self.path}: it has {more}{REMEDY}")
        by_id = {line["id"]: line["hypothesis"] for line in self.lines}
        return [normalize(by_id[line["id"]]) for line in lines]


def find_predictions(path: str, split: str) -> OtherPredictions:
    """The folder to compare with; UserError where there is none, or nothing in it that can be compared."""
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"against={path}: no such folder; give another run, or the folder of an earlier evaluation")
    hypotheses, is_run = folder / "hypotheses.jsonl", (folder / "model" / "config.yaml").is_file()
    if not is_run and not hypotheses.is_file():
        raise UserError(f"against={path}: neither a run nor an evaluation: no model and no hypotheses.jsonl in it")
    lines = [line for line in read_lines(hypotheses) if line.get("split") == split] if hypotheses.is_file() else []
    if not is_run and not lines:
        raise UserError(
            f"against={path}: nothing of split {split} in its hypotheses.jsonl; evaluate it with split={split}"
        )
    return OtherPredictions(folder, lines, is_run)


def read_lines(path: Path) -> list[Line]:
    """The lines of a hypotheses.jsonl; UserError naming the first that is none."""
    lines = []
    for number, text in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1):
        try:
            line = json.loads(text)
            whole = all(isinstance(line[key], str) for key in ("id", "reference", "hypothesis"))
            whole = whole and isinstance(line.get("duration", 0.0), int | float)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            whole = False
        if not whole:
            raise UserError(f"{path}:{number}: no hypothesis: id, reference and hypothesis are wanted; evaluate again")
        lines.append(line)
    return lines


def predictions_of(
    other: OtherPredictions,
    lines: Sequence[Line],
    normalize: Callable[[str], str],
    predict: Callable[[TrainedModel], Mapping[str, str]],
    screen: Console,
) -> list[str]:
    """The other's predictions of the utterances of `lines`, in their order, as `normalize` writes them.

    predict: utterance id -> prediction by the other's model, which is run where its folder has other utterances.
    """
    try:
        return other.hypotheses(lines, normalize)
    except DifferentUtterances as difference:
        if not other.is_run:
            raise
        print_notes(screen, [str(difference).replace(REMEDY, "; its model now predicts these utterances")])
    model = load_model(other.path / "model")
    if str(model.task.normalize) != str(normalize):
        print_notes(
            screen,
            [f"the models normalise text differently ({model.task.normalize}; {normalize}), which adds errors"],
        )
    texts = predict(model)
    if missing := [line["id"] for line in lines if line["id"] not in texts]:
        raise UserError(f"against={other.path}: its model cannot read {missing[0]}; see rejected.jsonl")
    return [normalize(texts[line["id"]]) for line in lines]


@torch.inference_mode()
def predictions_by_id(trained: TrainedModel, held: SplitToMeasure) -> dict[str, str]:
    """Utterance id -> prediction of every utterance of a split, without times, scores or clips."""
    batches = evaluation_batches(held.cuts, held.dataset, held.batch_seconds, held.workers)
    found: dict[str, str] = {}
    with progress_bar(held.screen, "predicting again") as on_progress:
        for batch in batches:
            batch.check_whole()
            outputs, lengths = trained.model(batch.waveform, batch.lengths)
            found |= dict(zip(batch.ids, trained.task.predict(outputs, lengths), strict=True))
            on_progress(len(found), len(held.cuts))
    return found
