"""Model folders with the weights they were born with: their answers differ from sound to sound, and cost nothing."""

from pathlib import Path

import torch

from asr.configuration.compose import as_plain_values, load_configuration
from asr.runs.model_folder import TrainedModel, new_model
from asr.task import Task
from asr.tasks.classify.task import Classify
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from tests.tasks.transcribe.recognizers import transcribe

RATE = 8000
MOODS = ["glad", "<img src=x onerror=alert(1)>", "sad"]


def save_model(folder: Path, task: Task, seed: int) -> Path:
    torch.manual_seed(seed)
    chosen = ["features.mels=20", "encoder=mlp", "encoder.dim=32", "encoder.layers=1"]
    config = load_configuration("train", chosen)
    parts = {name: as_plain_values(config[name]) for name in ("features", "encoder")}
    model = new_model(parts, task, RATE)
    with torch.no_grad():
        for weights in model.head.parameters():
            weights *= 4.0  # so that answers differ clearly
    TrainedModel(model, task, RATE, parts).save(folder)
    return folder


def mood_model(folder: Path) -> Path:
    return save_model(folder, Classify("emotion", "mean", "none", labels=MOODS), 1)


def speaker_model(folder: Path, speakers: int = 9) -> Path:
    return save_model(folder, Classify("speaker", "mean", "none", labels=[f"voice {n}" for n in range(speakers)]), 2)


def text_model(folder: Path) -> Path:
    return save_model(folder, transcribe(CharacterTokenizer(["a", "b", " "])), 3)
