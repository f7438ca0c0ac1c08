"""Which weights of a training become its model."""

from types import SimpleNamespace

import pytest
import torch

from asr.task import Rate
from asr.training.records import BestModel

NAN = float("nan")


@pytest.mark.parametrize(
    (
        "monitor",
        "validations",
        "kept",
    ),  # (dev WER, CER, loss) of every epoch, and the epoch whose weights are the model
    [
        ("wer", [(0.5, 0.2, 1.0), (0.4, 0.3, 1.0), (0.6, 0.1, 1.0)], 2),
        ("wer", [(0.5, 0.2, 1.0), (0.5, 0.1, 1.0), (0.5, 0.3, 1.0)], 2),
        ("wer", [(0.5, 0.2, 1.0), (0.5, 0.2, 1.5), (0.6, 0.2, 0.5)], 2),  # of equals the last
        ("wer", [(0.5, 0.2, 1.0), (0.1, 0.1, NAN)], 1),
        ("cer", [(0.5, 0.2, 1.0), (0.4, 0.3, 1.0), (0.6, 0.1, 1.0)], 3),
        ("cer", [(0.5, 0.2, 1.0), (0.4, 0.2, 1.0), (0.5, 0.2, 1.0)], 2),
    ],
)
def test_the_least_dev_error_is_kept(monitor, validations, kept):
    module = SimpleNamespace(model=torch.nn.Linear(1, 1))
    trainer = SimpleNamespace(sanity_checking=False, is_global_zero=True)
    saved = []
    rates = sorted([Rate("wer", "WER"), Rate("cer", "CER")], key=lambda rate: rate.name != monitor)
    best = BestModel(lambda: saved.append(trainer.current_epoch + 1), rates)
    for trainer.current_epoch, (wer, cer, loss) in enumerate(validations):
        trainer.callback_metrics = {"wer/dev": wer, "cer/dev": cer, "loss/dev": loss}
        best.on_validation_end(trainer, module)
    assert saved[-1] == best.best_epoch == kept
