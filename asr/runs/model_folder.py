"""A trained model as a folder that anybody can open safely: model.safetensors, config.yaml, and what its task keeps.

Nothing in it is executed: config.yaml may name only parts of this program, and weights are read as numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
import yaml
from hydra.utils import instantiate

from asr.configuration.old_names import as_current_format, with_current_names
from asr.configuration.trust import MODEL_PARTS, check_trusted
from asr.errors import UserError, one_line
from asr.model.fixed_length import FixedLength
from asr.model.speech_model import SpeechModel
from asr.task import Task, TrainsByItself
from asr.writing import whole_folder, write_whole

FORMAT = 2  # of the model folder; raised when older programs could no longer read it
WEIGHTS = "model.safetensors"
CONFIG = "config.yaml"


@dataclass
class TrainedModel:
    """A network with the task it was trained for; parts: what it is made of, as `new_model` takes it."""

    model: SpeechModel
    task: Task
    sample_rate: int
    parts: Mapping[str, Any]

    def save(self, folder: Path) -> None:
        """Write the model folder, whole or not at all."""
        weights = {name: value.contiguous() for name, value in self.model.state_dict().items()}
        described = {"format": FORMAT, "sample_rate": self.sample_rate, **self.parts, "task": self.task.as_config()}
        with whole_folder(folder) as made:
            write_whole(made / WEIGHTS, safetensors.torch.save(weights))
            write_whole(made / CONFIG, yaml.safe_dump(described, sort_keys=False, allow_unicode=True))
            self.task.save(made)


def new_model(parts: Mapping[str, Any], task: Task, sample_rate: int) -> SpeechModel:
    """The untrained network that the `features` and `encoder` of a configuration describe, with the task's head.

    parts may also hold `crop_seconds`: every recording is cut or padded to so much before its features.
    """
    features = instantiate(parts["features"], sample_rate=sample_rate)
    if "crop_seconds" in parts:
        features = FixedLength(features, sample_rate, parts["crop_seconds"])
    encoder = instantiate(parts["encoder"], features=features.dim)
    return SpeechModel(features, encoder, task.head(encoder.dim))


def load_model(folder: str | Path) -> TrainedModel:
    """Open a model folder; UserError naming the file where it is missing, damaged or no model of this program."""
    folder, config, task = described_model(Path(folder))
    path = folder / CONFIG
    if isinstance(task, TrainsByItself):
        raise UserError(f"{folder}: not a model of recordings but a {type(task).__name__}; asr.load opens it in Python")
    try:
        sample_rate = int(config["sample_rate"])
        parts: dict[str, Any] = {
            part: config[part] for part in ("features", "encoder", "crop_seconds") if part in config
        }
        task.load(folder)
        model = new_model(parts, task, sample_rate)
    except UserError:
        raise
    except Exception as error:
        raise not_described(path, error) from error
    load_weights(model, folder / WEIGHTS)
    return TrainedModel(model.eval(), task, sample_rate, parts)


def described_model(folder: Path) -> tuple[Path, dict[str, Any], Task | TrainsByItself]:
    """The model folder of a model or a run, what its config.yaml says, and its task, of which nothing is loaded yet."""
    if (folder / "model" / CONFIG).is_file():  # a run, which has a config.yaml of its own
        folder = folder / "model"
    path = folder / CONFIG
    config = read_model_config(path)
    try:
        check_trusted(config, path, MODEL_PARTS)
        return folder, config, instantiate(config["task"], _recursive_=False, _convert_="all")
    except UserError:
        raise
    except Exception as error:
        raise not_described(path, error) from error


def not_described(path: Path, error: Exception) -> UserError:
    """A foreign config may be wrong in any way; all of them are one line."""
    return UserError(f"{path}: does not describe a model ({one_line(error)}); copy the folder again")


def read_model_config(path: Path) -> dict[str, Any]:
    """What config.yaml of a model folder says, as this version would have written it."""
    if not path.is_file():
        raise UserError(f"{path.parent}: not a model folder: it has no config.yaml; give RUN_DIR/model of a training")
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}: not readable as YAML ({one_line(error)}); copy the folder again") from error
    if not isinstance(config, dict) or config.get("format") not in (1, FORMAT):
        raise UserError(f"{path}: not a model of this program (format {FORMAT}); give RUN_DIR/model of a finished run")
    return as_current_format(with_current_names(config))


def load_weights(model: torch.nn.Module, path: Path) -> None:
    try:
        model.load_state_dict(safetensors.torch.load_file(path))
    except (OSError, safetensors.SafetensorError, RuntimeError) as error:
        raise UserError(
            f"{path}: weights missing, damaged or of another model ({one_line(error)[:200]}); copy the folder again"
        ) from error
