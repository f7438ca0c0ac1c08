"""One training as a configuration describes it: everything below takes its values from here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

import torch
from hydra.utils import get_object, instantiate

from asr.errors import UserError
from asr.model.augment import Augmentation
from asr.task import Rate, Task, TrainsByItself


@dataclass(frozen=True)
class TrainerSettings:
    """What the `trainer` group of conf/ describes: Lightning's own names, and ours for what goes by dev."""

    accelerator: str
    devices: Any
    num_nodes: int
    strategy: str
    precision: str
    accumulate_grad_batches: int
    check_val_every_n_epoch: int
    log_every_n_steps: int
    gradient_norm: float
    average_decay: float
    monitor: str | None
    patience: int | None
    augment_from: float
    examples: int


@dataclass(frozen=True)
class Batching:
    """How much a batch holds, in seconds of audio and in utterances (None: as fit), and how many processes read."""

    batch_seconds: float
    batch_utterances: int | None
    workers: int | None


@dataclass(frozen=True)
class Part:
    """The part of a corpus that is trained on: one of several folds (None: no folds), and a share of train.

    copies: how often each of its training utterances stands in an epoch.
    """

    folds: int | None
    fold: int
    train_share: float
    copies: int = 1


@dataclass(frozen=True)
class Plan:
    """Task, network, optimizer, budget and batches of one training.

    parts: what the network is made of, as new_model takes it; augment: what each part of the group does, by name;
    minutes, epochs: the budget, minutes where both are given; max_rejected: share of utterances that may be unusable.
    """

    task: Task
    parts: Mapping[str, Any]
    augment: Mapping[str, Any]
    optimizer: Callable[..., torch.optim.Optimizer]
    schedule: Callable[[int, float], float]
    trainer: TrainerSettings
    batching: Batching
    part: Part
    minutes: float | None
    epochs: int
    max_rejected: float
    seed: int

    @property
    def rates(self) -> Sequence[Rate]:
        """The task's rates, first the one that the best model and early stopping go by."""
        return rates_by_importance(self.task, self.trainer.monitor)

    def augmentation(self, sample_rate: int) -> Augmentation:
        """For recordings at `sample_rate` Hz."""
        return Augmentation({name: instantiate(part, sample_rate=sample_rate) for name, part in self.augment.items()})


def plan_of(values: Mapping[str, Any]) -> Plan:
    """From the plain values of conf/train.yaml, composed."""
    data = values["data"]
    plan = Plan(
        task=task_of(values),
        parts=parts_of(values),
        augment=values["augment"],
        optimizer=instantiate(values["optimizer"]),
        schedule=instantiate(values["schedule"]),
        trainer=TrainerSettings(**values["trainer"]),
        batching=Batching(data["batch_seconds"], data["batch_utterances"], data["workers"]),
        part=Part(data["folds"], data["fold"], data["train_share"], data.get("copies") or 1),
        minutes=values["budget"]["minutes"],
        epochs=values["budget"]["epochs"],
        max_rejected=data["max_rejected"],
        seed=values["seed"],
    )
    rates_by_importance(plan.task, plan.trainer.monitor)  # said before anything is read
    if "crop_seconds" in plan.parts and plan.task.targets_are_transcripts:
        raise UserError("data.crop_seconds: would cut words off; leave it null, or choose a task of labels")
    return plan


def parts_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the network is made of: features and encoder as conf/ describes them, and crop_seconds where it is given."""
    crop_seconds = values["data"].get("crop_seconds")  # runs of earlier versions do not know it
    cropped = {} if crop_seconds is None else {"crop_seconds": crop_seconds}
    return {"features": values["features"], "encoder": values["encoder"], **cropped}


def task_of(values: Mapping[str, Any]) -> Task:
    """The task that the `task` group of conf/ describes; UserError for one that does not learn from recordings."""
    task = chosen_task(values)
    if isinstance(task, TrainsByItself):
        raise UserError(
            f"task={values['choices']['task']}: does not learn from recordings, and only python train.py trains it"
        )
    return task


def chosen_task(values: Mapping[str, Any]) -> Task | TrainsByItself:
    """What the `task` group of conf/ describes; UserError for settings that another group brought in vain."""
    chosen = values["task"]
    kind = get_object(chosen["_target_"])
    accepted = signature(kind).parameters
    foreign = [f"task.{name}" for name in chosen if name not in {"_target_", *accepted}]
    if foreign and not any(each.kind is Parameter.VAR_KEYWORD for each in accepted.values()):
        raise UserError(
            f"{', '.join(foreign)}: {kind.__name__} has no such setting; choose the task= that it belongs to, "
            "and, where model= brought it, one that tells labels, such as task=emotion"
        )
    return instantiate(chosen, _recursive_=False, _convert_="all")


def rates_by_importance(task: Task, monitor: str | None) -> Sequence[Rate]:
    """The rates of a task, `monitor` (None: the task's first) before the others; UserError where there is none."""
    if monitor is None:
        return task.rates
    chosen = [rate for rate in task.rates if rate.name == monitor]
    if not chosen:
        raise UserError(f"trainer.monitor={monitor}: {' or '.join(rate.name for rate in task.rates)} is wanted")
    return [*chosen, *(rate for rate in task.rates if rate.name != monitor)]
