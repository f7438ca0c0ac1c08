"""From configuration to fitted weights: the budget, the precision, Lightning's trainer and its callbacks."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as lightning
import torch
import yaml
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from asr.corpus.batches import TimedLoader
from asr.corpus.corpus import Corpus, seconds_of
from asr.corpus.shards.streaming import StreamLoader
from asr.errors import Interrupted, UserError, one_line
from asr.runs.folder import RunFolder, read_config
from asr.runs.model_folder import TrainedModel
from asr.training.averaging import MovingAverage
from asr.training.budget import Budget
from asr.training.module import Training
from asr.training.plan import Plan, TrainerSettings
from asr.training.precision import faster_precision
from asr.training.progress import ProgressDisplay
from asr.training.records import BestModel, Examples, History, Resumable, WholeCheckpoints
from asr.training.trial_steps import trial_steps
from asr.writing import write_whole


def budget_of(plan: Plan, corpus: Corpus) -> Budget:
    """Minutes where they are given, epochs otherwise, with the schedule that follows them."""
    epochs, seconds = None if plan.minutes else plan.epochs, seconds_of(corpus.splits["train"])
    return Budget(plan.schedule, plan.minutes, epochs, seconds, corpus.sample_rate, plan.trainer.augment_from)


def choose_precision(module: Training, batch, run: RunFolder) -> tuple[str, str]:
    """The precision asked for, or the faster one, measured once and kept in the run's config.yaml; and why."""
    written = read_config(run.config)
    asked = written["trainer"]
    if asked["precision"] != "auto":
        return asked["precision"], "as configured"
    on_gpu = asked["accelerator"] in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    module, batch = module.to(device).train(), batch.to(device)
    with trial_steps(module):
        precision, why = faster_precision(lambda: module.training_loss(batch)[0], device)
    module.to("cpu")
    measured = written | {"trainer": asked | {"precision": precision}}
    write_whole(run.config, yaml.safe_dump(measured, sort_keys=False, allow_unicode=True))
    return precision, why


def fit(
    plan: Plan,
    run: RunFolder,
    module: Training,
    trained: TrainedModel,
    batches: Mapping[str, Any],
    budget: Budget,
    precision: str,
    screen,
    more: Sequence[lightning.Callback] = (),
) -> lightning.Trainer:
    """Train, from the checkpoint of an interrupted run where there is one; Interrupted where a signal ends it."""
    rates, settings = plan.rates, plan.trainer
    shown = next(iter(batches["dev"])).first(settings.examples)
    callbacks = [
        OwnBatches(batches["train"], plan.seed),
        BestModel(lambda: trained.save(run.model), rates),
        Examples(shown, lambda batch: plan.task.examples(trained, batch)),
        budget,
        History(run.history, budget, plan.task.rates),
        ProgressDisplay(screen, budget, rates[0], plan.task.rates),
        Resumable(run.checkpoint.parent),
        MovingAverage(settings.average_decay),
        *more,
    ]
    if settings.patience:
        better = "max" if rates[0].higher_is_better else "min"
        callbacks.append(EarlyStopping(f"{rates[0].name}/dev", patience=settings.patience, mode=better))
    trainer = new_trainer(settings, -1 if plan.minutes else plan.epochs, run, precision, callbacks)
    resume = str(run.checkpoint) if run.checkpoint.is_file() else None
    if resume:
        screen.print(f"going on from {resume}", soft_wrap=True)
    module.train()  # Lightning leaves the mode as it is, and a trained model is made for use: dropout would stay off
    try:
        trainer.fit(module, batches["train"], batches["dev"], ckpt_path=resume, weights_only=True)
    except SystemExit as stopped:  # what Lightning makes of Ctrl-C and of SIGTERM
        raise Interrupted(run.how_to_go_on(trainer.current_epoch + 1)) from stopped
    return trainer


class OwnBatches(lightning.Callback):
    """Gives each of several processes its own share of the training batches, and its own random numbers.

    They are made before Lightning starts the other processes, and learn of them here; so they do of the epoch that
    training goes on with, which Lightning tells them only when it has begun to draw.
    """

    def __init__(self, batches: TimedLoader | StreamLoader, seed: int) -> None:
        self.batches, self.seed = batches, seed

    def setup(self, trainer, module, stage: str) -> None:
        if trainer.world_size > 1:
            self.batches.use_share_of_process(trainer.global_rank, trainer.world_size)
            torch.manual_seed(self.seed + trainer.global_rank)

    def on_load_checkpoint(self, trainer, module, checkpoint) -> None:
        self.batches.start_at_epoch(checkpoint["epoch"] + 1)


def new_trainer(
    settings: TrainerSettings, max_epochs: int, run: RunFolder, precision: Any, callbacks: list
) -> lightning.Trainer:
    """Lightning's trainer as the `trainer` group describes it; UserError where it refuses a setting."""
    logger = TensorBoardLogger(run.path, name="", version="tensorboard")
    try:
        return lightning.Trainer(
            accelerator=settings.accelerator,
            devices=settings.devices,
            num_nodes=settings.num_nodes,
            strategy=settings.strategy,
            precision=precision,
            accumulate_grad_batches=settings.accumulate_grad_batches,
            check_val_every_n_epoch=settings.check_val_every_n_epoch,
            log_every_n_steps=settings.log_every_n_steps,
            max_epochs=max_epochs,
            logger=logger,
            callbacks=callbacks,
            plugins=[WholeCheckpoints()],
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
        )
    except (MisconfigurationException, ValueError, TypeError) as error:
        raise UserError(f"trainer: {one_line(error)}") from error
