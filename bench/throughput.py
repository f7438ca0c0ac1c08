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

from asr.commands.train import batches_of, build, read_corpus
from asr.configuration.compose import exit_status, load_configuration
from asr.corpus.batches import SpeechDataset
from asr.runs.folder import open_run
from asr.training.averaging import MovingAverage
from asr.training.fitting import budget_of
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


def trainer_epoch(config, corpus, module, loader, folder: Path) -> float:
    """Seconds that the training batches of one epoch took in the trainer, loading included."""
    budget = budget_of(config, corpus)
    display = ProgressDisplay(Console(stderr=True), budget, config.trainer.monitor)
    trainer = lightning.Trainer(
        accelerator="cpu",
        precision=config.trainer.precision,
        max_epochs=1,
        callbacks=[budget, display, MovingAverage(config.trainer.average_decay)],
        default_root_dir=folder,
        logger=TensorBoardLogger(folder),
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        use_distributed_sampler=False,
        limit_val_batches=0,
        log_every_n_steps=config.trainer.log_every_n_steps,
    )
    trainer.fit(module, loader)
    return budget.step_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments, overrides = parser.parse_known_args()
    folder = Path(tempfile.mkdtemp())
    config = load_configuration("train", [*overrides, f"run_dir={folder / 'run'}", "trainer.augment_from=0"])
    if config.trainer.precision == "auto":
        config.trainer.precision = "32-true"
    run = open_run(config)
    corpus = read_corpus(config, Console(stderr=True), run.rejected)
    module, _ = build(config, corpus)
    loader = batches_of(config, corpus, SpeechDataset(corpus.audio, module.tokenizer))["train"]
    loader.sampler.set_epoch(0)
    batches = list(loader)
    seconds = sum(float(batch.lengths.sum()) for batch in batches) / corpus.sample_rate
    bare, trained = [], []
    bare_epoch(module, batches, config.trainer.precision)
    for _ in range(arguments.rounds):
        bare.append(seconds / bare_epoch(module, batches, config.trainer.precision))
        trained.append(seconds / trainer_epoch(config, corpus, module, loader, folder))
    ratios = [ours / limit for ours, limit in zip(trained, bare, strict=True)]
    result = {
        "encoder": config.choices.encoder,
        "precision": config.trainer.precision,
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
