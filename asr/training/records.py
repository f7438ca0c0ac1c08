"""The files that are written during a training: best model, history, TensorBoard, checkpoint."""

import io
import json
import math
import pickle
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from lightning_fabric.plugins import TorchCheckpointIO
from matplotlib.figure import Figure
from pytorch_lightning.callbacks import ModelCheckpoint

from asr.corpus.batches import Batch
from asr.errors import UserError
from asr.task import Rate
from asr.training.budget import Budget
from asr.writing import write_whole

Describe = Callable[[Batch], tuple[list[tuple[str, str, str]], Figure]]


class BestModel(lightning.Callback):
    """Writes the model folder at every new best rate on dev, so that an interrupted run leaves a model.

    The best is the best by the first of `rates`; of equals, by the next one.
    Of equals the last is kept: where dev is small there are many, and more training makes more of the same score.
    Weights that are not finite, or make the dev loss so, are never written.
    Stands before the moving average in the list of callbacks, so that it sees the averaged weights.
    """

    def __init__(self, save: Callable[[], None], rates: Sequence[Rate]) -> None:
        self.save, self.rates = save, rates
        self.best: tuple[float, ...] | None = None  # costs
        self.best_epoch = 0

    def on_validation_end(self, trainer, module) -> None:
        if trainer.sanity_checking:
            return
        metrics = trainer.callback_metrics
        score = tuple(rate.cost(float(metrics[f"{rate.name}/dev"])) for rate in self.rates)
        if (self.best is None or score <= self.best) and is_sound(trainer, module):
            self.best, self.best_epoch = score, trainer.current_epoch + 1
            if trainer.is_global_zero:
                self.save()

    def state_dict(self) -> dict:
        return {"best": list(self.best) if self.best else None, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: dict) -> None:
        self.best, self.best_epoch = (tuple(state["best"]) if state["best"] else None), state["best_epoch"]


def is_sound(trainer, module) -> bool:
    """Whether the dev loss and every weight are finite."""
    finite = all(bool(torch.isfinite(value).all()) for value in module.model.state_dict().values())
    return finite and math.isfinite(float(trainer.callback_metrics["loss/dev"]))


class History(lightning.Callback):
    """A line a validation in history.jsonl, which the report draws its curves from."""

    def __init__(self, path: Path, budget: Budget, rates: Sequence[Rate]) -> None:
        self.path, self.budget, self.rates = path, budget, rates

    def on_train_start(self, trainer, module) -> None:
        """Take out lines of epochs that are trained again: an interruption came between them and their checkpoint."""
        if not self.path.is_file() or not trainer.is_global_zero:
            return
        lines = self.path.read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["epoch"] <= trainer.current_epoch]
        write_whole(self.path, "".join(kept))

    def on_train_epoch_end(self, trainer, module) -> None:
        metrics = trainer.callback_metrics
        if "loss/dev" not in metrics or not trainer.is_global_zero:
            return
        line = {
            "step": trainer.global_step,
            "epoch": trainer.current_epoch + 1,
            "seconds": round(self.budget.seconds, 1),
            "train_loss": finite_or_none(metrics.get("loss/train_epoch")),
            "dev_loss": finite_or_none(metrics["loss/dev"]),
            **{f"dev_{rate.name}": finite_or_none(metrics[f"{rate.name}/dev"]) for rate in self.rates},
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
        }
        with self.path.open("a", encoding="utf-8") as history:
            history.write(json.dumps(line) + "\n")
        for name, value in (
            ("learning_rate", line["learning_rate"]),
            ("audio_seconds_per_second", self.budget.throughput),
        ):
            trainer.logger.experiment.add_scalar(name, value, trainer.global_step)


def finite_or_none(value: torch.Tensor | None) -> float | None:
    return None if value is None or not math.isfinite(float(value)) else round(float(value), 6)


class Hyperparameters(lightning.Callback):
    """The configuration for TensorBoard's HParams, by its keys with dots between."""

    def __init__(self, values: dict[str, object]) -> None:
        self.values = values

    def on_fit_start(self, trainer, module) -> None:
        trainer.logger.log_hyperparams(self.values)


class Examples(lightning.Callback):
    """Predictions of dev utterances and a picture of one of them in TensorBoard, at most once in `every_s`.

    describe: id, reference and prediction of a batch's utterances, and the picture.
    """

    def __init__(
        self,
        batch: Batch,
        describe: Callable[[Batch], tuple[list[tuple[str, str, str]], Figure]],
        every_s: float = 60.0,
    ) -> None:
        self.batch, self.describe, self.every_s = batch, describe, every_s
        self.shown = float("-inf")

    def on_validation_end(self, trainer, module) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero or time.monotonic() - self.shown < self.every_s:
            return
        self.shown = time.monotonic()
        examples, figure = self.describe(self.batch)
        board = trainer.logger.experiment
        rows = [
            f"| {name} | {in_markdown_cell(reference)} | {in_markdown_cell(predicted)} |"
            for name, reference, predicted in examples
        ]
        table = "\n".join(["| utterance | reference | hypothesis |", "|---|---|---|", *rows])
        board.add_text("examples", table, trainer.global_step)
        board.add_figure("posteriors", figure, trainer.global_step)


def in_markdown_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


class Resumable(ModelCheckpoint):
    """checkpoints/last.ckpt after every validation, with the random state."""

    def __init__(self, folder: Path) -> None:
        super().__init__(dirpath=folder, filename="last", save_top_k=1, enable_version_counter=False)

    def on_save_checkpoint(self, trainer, module, checkpoint) -> None:
        checkpoint["random_state"] = torch.get_rng_state()

    def on_load_checkpoint(self, trainer, module, checkpoint) -> None:
        torch.set_rng_state(checkpoint["random_state"])


class WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints are written whole or not at all; UserError where one is damaged."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        made = io.BytesIO()
        torch.save(checkpoint, made)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_whole(Path(path), made.getvalue())

    def load_checkpoint(self, path: str | Path, *arguments, **named) -> dict[str, Any]:
        try:
            return super().load_checkpoint(path, *arguments, **named)
        except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
            raise UserError(f"{path}: damaged, training cannot go on from it; remove it to begin anew") from error
