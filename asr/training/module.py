"""The training step, which is the architecture diagram, and the validation that picks the best weights."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytorch_lightning as lightning
import torch
from torch import Tensor, nn

from asr.audio.recording import AudioProblem
from asr.corpus.batches import Batch
from asr.errors import UserError
from asr.model.augment import Augmentation
from asr.model.speech_model import SpeechModel
from asr.task import Task

PATIENCE_STEPS = 20  # steps in a row whose loss or gradient is not finite before training gives up


@dataclass
class Validation:
    """What one pass over the dev set gathers."""

    references: list[str] = field(default_factory=list)
    predictions: list[str] = field(default_factory=list)
    loss_sum: float = 0.0
    utterances: int = 0


class Training(lightning.LightningModule):
    """One model, one task, one optimizer; every encoder and every task passes through these lines."""

    def __init__(
        self,
        model: SpeechModel,
        task: Task,
        augment: Augmentation,
        optimizer: Callable[..., torch.optim.Optimizer],
        gradient_norm: float,
    ) -> None:
        super().__init__()
        self.model, self.loss, self.augment = model, task.loss, augment
        self.task, self.optimizer, self.gradient_norm = task, optimizer, gradient_norm
        self.validation = Validation()
        self.left_out: dict[str, tuple[int, int, str]] = {}  # id -> steps without it, frames it had, its target
        self.unreadable: dict[str, AudioProblem] = {}  # id -> why its recording could not be decoded any more
        self.not_finite: dict[str, int] = {}  # id -> steps it was part of whose loss or gradient was not finite
        self.steps_not_finite = 0

    def training_loss(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """The loss, which utterances (B,) it left out, and the output frames (B,) there were."""
        waveform, samples = self.augment.waveform(batch.waveform, batch.lengths, batch.augmented)  # (B, S)
        frames, lengths = self.model.features(waveform, samples)  # (B, T, F)
        frames, lengths = self.augment.frames(*in_views(frames, lengths, batch.augmented, self.loss.views))
        hidden, lengths = self.model.encoder(frames, lengths)  # (B, T', D)
        loss, left_out = self.loss(self.model.head(hidden, lengths), lengths, *batch.target)
        return loss, left_out, lengths[: len(batch.ids)]

    def training_step(self, batch: Batch, index: int) -> Tensor | None:
        self.unreadable |= batch.unreadable
        loss, left_out, lengths = self.training_loss(batch)
        if left_out.any():
            self.note_left_out(batch, lengths, left_out)
        self.current_ids = batch.ids
        if not torch.isfinite(loss):
            self.note_not_finite("the loss")
            return None
        self.log("loss/train", loss.detach(), on_step=True, on_epoch=True, batch_size=len(batch.ids))
        return loss

    def configure_gradient_clipping(self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None) -> None:
        if all(parameter.grad is None for parameter in self.parameters()):
            return  # the loss was not finite and the step is left out
        norm = nn.utils.clip_grad_norm_(self.parameters(), self.gradient_norm, foreach=True)
        if torch.isfinite(norm):
            self.steps_not_finite = 0
            self.log("gradient_norm", norm, on_step=True, on_epoch=False, batch_size=1)
        else:
            optimizer.zero_grad(set_to_none=True)  # the step that follows changes no weight
            self.note_not_finite("the gradient")

    def validation_step(self, batch: Batch, index: int) -> None:
        outputs, lengths = self.model(batch.waveform, batch.lengths)
        loss, left_out = self.loss(outputs, lengths, *batch.target)
        kept = len(batch.ids) - int(left_out.sum())
        self.validation.loss_sum += float(loss) * kept
        self.validation.utterances += kept
        self.validation.references += batch.texts
        self.validation.predictions += self.task.predict(outputs, lengths)

    def on_validation_epoch_end(self) -> None:
        gathered, self.validation = self.validation, Validation()
        scores = {"loss/dev": gathered.loss_sum / max(1, gathered.utterances)}
        rates = self.task.score(gathered.references, gathered.predictions)
        scores |= {f"{name}/dev": rate for name, rate in rates.items()}
        self.log_dict(scores, batch_size=1, sync_dist=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        decayed = [p for p in self.model.parameters() if p.requires_grad and p.dim() > 1]
        kept = [p for p in self.model.parameters() if p.requires_grad and p.dim() <= 1]
        return self.optimizer([{"params": decayed}, {"params": kept, "weight_decay": 0.0}])

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["left_out"] = {"left_out": self.left_out, "not_finite": self.not_finite}

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        self.left_out = checkpoint["left_out"].get("left_out", {})  # runs of earlier versions kept it otherwise
        self.not_finite = checkpoint["left_out"]["not_finite"]

    def note_left_out(self, batch: Batch, lengths: Tensor, left_out: Tensor) -> None:
        for row in left_out.nonzero().flatten().tolist():
            name = batch.ids[row]
            self.left_out[name] = (self.left_out.get(name, (0,))[0] + 1, int(lengths[row]), batch.texts[row])

    def on_train_epoch_end(self) -> None:
        """Exchange left-out utterances among processes: in an epoch each utterance is in the batches of one process."""
        if self.trainer.world_size == 1:
            return
        own: tuple[dict, ...] = (self.left_out, self.not_finite)
        gathered: list = [None] * self.trainer.world_size
        torch.distributed.all_gather_object(gathered, (*own, self.unreadable))
        for *counted, unreadable in gathered:
            self.unreadable |= unreadable
            for mine, theirs in zip(own, counted, strict=True):
                mine.update({name: found for name, found in theirs.items() if name not in mine or mine[name] < found})

    def note_not_finite(self, what: str) -> None:
        """Skip the step, note its utterances, and stop training after PATIENCE_STEPS such steps in a row."""
        for name in self.current_ids:
            self.not_finite[name] = self.not_finite.get(name, 0) + 1
        self.steps_not_finite += 1
        if self.steps_not_finite >= PATIENCE_STEPS:
            raise UserError(
                f"{what} was not finite in {PATIENCE_STEPS} steps in a row, last with "
                f"{', '.join(self.current_ids[:5])}; "
                "lower optimizer.lr or try trainer.precision=32-true, and look at these recordings"
            )


def in_views(
    frames: Tensor, lengths: Tensor, augmented: Tensor | None, views: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The same utterances once a view, to be masked differently: (B, T, F), (B,), (B,) -> all with views · B rows."""
    if views == 1:
        return frames, lengths, augmented
    return frames.repeat(views, 1, 1), lengths.repeat(views), None if augmented is None else augmented.repeat(views)
