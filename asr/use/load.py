"""Open a trained model's folder as what people use."""

from pathlib import Path
from typing import Any

from asr.errors import UserError
from asr.runs.model_folder import TrainedModel, described_model, load_model
from asr.task import TrainsByItself
from asr.tasks.transcribe.recognizer import Recognizer


def load(folder: str | Path) -> Any:
    """What the model's task is used through: for speech recognition a Recognizer.

    folder: a model's, or its run's. Raises UserError where it is missing, damaged or no model of this program.
    """
    found, _, task = described_model(Path(folder))
    return task.load(found) if isinstance(task, TrainsByItself) else opened(load_model(found))


def load_recognizer(folder: str | Path) -> Recognizer:
    """`load` of a model that transcribes; UserError where it was trained for another task."""
    return as_recognizer(load_model(folder), folder)


def as_recognizer(trained: TrainedModel, folder: str | Path) -> Recognizer:
    """A trained model that transcribes; UserError naming its folder where it was trained for another task."""
    found = opened(trained)
    if not isinstance(found, Recognizer):
        raise UserError(f"{folder}: a {type(found).__name__} does not transcribe; give a model of task=transcribe")
    return found


def opened(trained: TrainedModel) -> Any:
    """What the task of a trained model is used through."""
    return trained.task.interface(trained)
