"""Every combination of a few choices, each trained once."""

from collections.abc import Mapping, Sequence

import optuna


class Grid:
    """The combinations of `choices` (override key -> values), suggested one after another by Optuna's GridSampler."""

    def __init__(self, choices: Mapping[str, Sequence]) -> None:
        self.choices = {key: list(values) for key, values in choices.items()}

    def sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        return optuna.samplers.GridSampler(self.choices, seed=seed)

    @property
    def size(self) -> int:
        """How many trainings there are."""
        count = 1
        for values in self.choices.values():
            count *= len(values)
        return count

    def overrides(self, trial: optuna.Trial) -> list[str]:
        """train.py's overrides for one trial."""
        return [f"{key}={trial.suggest_categorical(key, values)}" for key, values in self.choices.items()]
