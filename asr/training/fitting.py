"""From configuration to fitted weights: the budget, the precision, Lightning's trainer and its callbacks."""

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as lightning
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from asr.corpus.batches import TimedLoader
from asr.corpus.corpus import Corpus, seconds_of
from asr.corpus.shards.streaming import StreamLoader
from asr.errors import Interrupted, UserError, one_line
from asr.runs.folder import RunFolder
from asr.tasks.transcribe.scoring.hypotheses import examples_of
from asr.training.averaging import MovingAverage
from asr.training.budget import Budget
from asr.training.module import CTCTraining
from asr.training.precision import faster_precision
from asr.training.progress import ProgressDisplay
from asr.training.records import BestModel, Examples, History, Resumable, WholeCheckpoints
from asr.use.recognizer import Recognizer
from asr.writing import write_whole


def budget_of(config: DictConfig, corpus: Corpus) -> Budget:
    """Minutes where they are given, epochs otherwise, with the schedule that follows them."""
    minutes, epochs = config.budget.minutes, config.budget.epochs
    schedule, rate = instantiate(config.schedule), corpus.sample_rate
    seconds = seconds_of(corpus.splits["train"])
    return Budget(schedule, minutes, None if minutes else epochs, seconds, rate, config.trainer.augment_from)


def choose_precision(module: CTCTraining, batch, run: RunFolder) -> tuple[str, str]:
    """The precision asked for, or the faster one, measured once and kept in the run's config.yaml; and why."""
    written = OmegaConf.load(run.config)
    if written.trainer.precision != "auto":
        return written.trainer.precision, "as configured"
    on_gpu = written.trainer.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    module, batch = module.to(device).train(), batch.to(device)
    with torch.random.fork_rng():
        written.trainer.precision, why = faster_precision(lambda: module.training_loss(batch)[0], device)
    module.zero_grad(set_to_none=True)
    module.to("cpu")
    write_whole(run.config, OmegaConf.to_yaml(written))
    return written.trainer.precision, why


def fit(
    config: DictConfig,
    run: RunFolder,
    module: CTCTraining,
    recognizer: Recognizer,
    batches: dict,
    budget: Budget,
    precision: str,
    screen,
    more: Sequence[lightning.Callback] = (),
) -> lightning.Trainer:
    """Train, from the checkpoint of an interrupted run where there is one; Interrupted where a signal ends it."""
    shown = next(iter(batches["dev"])).first(config.trainer.examples)
    callbacks = [
        OwnBatches(batches["train"], config.seed),
        BestModel(lambda: recognizer.save(run.model), config.trainer.monitor),
        Examples(shown, lambda batch: examples_of(recognizer, batch)),
        budget,
        History(run.history, budget),
        ProgressDisplay(screen, budget, config.trainer.monitor),
        Resumable(run.checkpoint.parent),
        MovingAverage(config.trainer.average_decay),
        *more,
    ]
    if config.trainer.patience:
        callbacks.append(EarlyStopping(f"{config.trainer.monitor}/dev", patience=config.trainer.patience))
    trainer = new_trainer(config, run, precision, callbacks)
    resume = str(run.checkpoint) if run.checkpoint.is_file() else None
    if resume:
        screen.print(f"going on from {resume}", soft_wrap=True)
    module.train()  # Lightning leaves the mode as it is, and a recognizer is made for use: dropout would stay off
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
            self.batches.share(trainer.global_rank, trainer.world_size)
            torch.manual_seed(self.seed + trainer.global_rank)

    def on_load_checkpoint(self, trainer, module, checkpoint) -> None:
        self.batches.go_on(checkpoint["epoch"] + 1)


def new_trainer(config: DictConfig, run: RunFolder, precision: Any, callbacks: list) -> lightning.Trainer:
    """Lightning's trainer as the `trainer` group describes it; UserError where it refuses a setting."""
    settings = config.trainer
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
            max_epochs=config.budget.epochs if not config.budget.minutes else -1,
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
