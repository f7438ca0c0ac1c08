"""Exponential moving average of the weights, which is what is validated and saved."""

import torch
from pytorch_lightning.callbacks import WeightAveraging


class MovingAverage(WeightAveraging):
    """Weights averaged over about the last 1 / (1 - `decay`) steps (Polyak & Juditsky 1992).

    The decay after n steps is at most (1 + n) / (10 + n): a short training is not held back by its first weights.
    """

    def __init__(self, decay: float) -> None:
        def update(averages, weights, step) -> None:
            steps = float(step)
            torch._foreach_lerp_(averages, weights, 1 - min(decay, (1 + steps) / (10 + steps)))

        super().__init__(use_buffers=False, multi_avg_fn=update)

    def on_validation_epoch_end(self, trainer, module) -> None:
        """Nothing yet: the averaged weights stay until the validation's numbers and the best model are written."""

    def on_validation_end(self, trainer, module) -> None:
        super().on_validation_epoch_end(trainer, module)
