"""Open a trained model's folder as what people use."""

from pathlib import Path
from typing import Any

from asr.runs.model_folder import load_model


def load(folder: str | Path) -> Any:
    """What the model's task is used through: for speech recognition a Recognizer.

    folder: a model's, or its run's. Raises UserError where it is missing, damaged or no model of this program.
    """
    trained = load_model(folder)
    return trained.task.opened(trained)
