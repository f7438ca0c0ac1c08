"""Training through train.py's own parts beside a bare PyTorch loop over the same model and batches; prints JSON.

    python -m bench.throughput [--rounds 5] [any train.py override]

Both train on the same corpus and the same batches, in turn, within one process. The bare loop finds its batches in
memory and does forward, backward, clipping and the optimizer's step, nothing else; the other side is the Lightning
trainer with every callback of train.py, the sampler and the collation. Validation is left out of both.
"""

import argparse
import json
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

import pytorch_lightning as lightning
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from rich.console import Console

from asr.commands.train import corpus_to_train_on
from asr.configuration.compose import as_plain_values, load_configuration
from asr.configuration.entry import exit_status
from asr.corpus.batches import SpeechDataset
from asr.corpus.corpus import targets_of
from asr.runs.folder import open_run
from asr.runs.model_folder import new_model
from asr.training.averaging import MovingAverage
from asr.training.fitting import budget_of
from asr.training.module import Training
from asr.training.pipeline import batches_of
from asr.training.plan import plan_of
from asr.training.progress import ProgressDisplay


def bare_epoch(module, batches, precision: str) -> float:
    """Seconds of one pass over `batches`."""
    optimizer = module.configure_optimizers()
    module.train()
    begun = time.perf_counter()
    for batch in batches:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            loss, _, _ = module.training_loss(batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0, foreach=True)
        optimizer.step()
    return time.perf_counter() - begun


def trainer_epoch(plan, corpus, module, loader, folder: Path) -> float:
    """Seconds that the training batches of one epoch took in the trainer, loading included."""
    budget = budget_of(plan, corpus)
    display = ProgressDisplay(Console(stderr=True), budget, plan.rates[0], plan.rates)
    trainer = lightning.Trainer(
        accelerator="cpu",
        precision=plan.trainer.precision,
        max_epochs=1,
        callbacks=[budget, display, MovingAverage(plan.trainer.average_decay)],
        default_root_dir=folder,
        logger=TensorBoardLogger(folder),
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        use_distributed_sampler=False,
        limit_val_batches=0,
        log_every_n_steps=plan.trainer.log_every_n_steps,
    )
    trainer.fit(module, loader)
    return budget.step_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments, overrides = parser.parse_known_args()
    folder = Path(tempfile.mkdtemp())
    config = load_configuration("train", [*overrides, f"run_dir={folder / 'run'}", "trainer.augment_from=0"])
    values = as_plain_values(config)
    if values["trainer"]["precision"] == "auto":
        values["trainer"]["precision"] = "32-true"
    run, plan = open_run(values), plan_of(values)
    task, precision = plan.task, plan.trainer.precision
    corpus = corpus_to_train_on(values["data"], task, Console(stderr=True), run.rejected)
    task.learn_from_targets(targets_of(corpus.splits["train"]), run.path, len(corpus.splits["train"]))
    augment, rate = plan.augmentation(corpus.sample_rate), corpus.sample_rate
    module = Training(new_model(plan.parts, task, rate), task, augment, plan.optimizer, plan.trainer.gradient_norm)
    loader = batches_of(plan.batching, corpus, SpeechDataset(corpus.audio, task.encode), plan.seed)["train"]
    loader.sampler.set_epoch(0)
    batches = list(loader)
    seconds = sum(float(batch.lengths.sum()) for batch in batches) / corpus.sample_rate
    bare, trained = [], []
    bare_epoch(module, batches, precision)
    for _ in range(arguments.rounds):
        bare.append(seconds / bare_epoch(module, batches, precision))
        trained.append(seconds / trainer_epoch(plan, corpus, module, loader, folder))
    ratios = [ours / limit for ours, limit in zip(trained, bare, strict=True)]
    result = {
        "encoder": values["choices"]["encoder"],
        "precision": precision,
        "threads": torch.get_num_threads(),
        "batches": len(batches),
        "audio_seconds": round(seconds, 1),
        "bare_loop_audio_seconds_per_second": round(median(bare), 1),
        "trainer_audio_seconds_per_second": round(median(trained), 1),
        "ratio_median": round(median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    with exit_status():
        main()
