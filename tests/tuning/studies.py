"""Studies as a sweep leaves them, without a training."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from asr.task import Rate
from asr.tuning.space import read_space
from asr.tuning.sweep import Finals, Sweep

SPACE = {
    "encoder": {
        "choices": {
            "lstm": {"encoder.layers": {"low": 1, "high": 4}, "encoder.units": {"low": 128, "high": 512, "step": 64}},
            "conformer": {"encoder.layers": {"low": 2, "high": 6}},
            "mlp": None,
        }
    },
    "encoder.dropout": {"low": 0.0, "high": 0.3},
    "optimizer.lr": {"low": 3e-4, "high": 5e-3, "log": True},
}
REASONS = {
    TrialState.PRUNED: "dev WER 61.2% after 30% of its budget",
    TrialState.FAIL: "out of memory: 3 GiB wanted, 2 GiB free",
}
RUNGS = {TrialState.COMPLETE: 20, TrialState.PRUNED: 6, TrialState.RUNNING: 11, TrialState.FAIL: 0}
RATES = (Rate("wer", "WER"), Rate("cer", "CER"))
BEGAN = datetime(2026, 1, 2, 3, 4, 5)


def sweep_in(
    folder: Path, objectives: Sequence[str] = ("wer",), space: Mapping[str, Any] = SPACE, rate: str = "wer"
) -> Sweep:
    (chosen,) = (each for each in RATES if each.name == rate)
    return Sweep(
        "architecture", folder, read_space(space), ["budget.epochs=4"], objectives, chosen, RATES, None, 60, None,
        Finals(3, 2, None), False, 1, True,
    )  # fmt: skip


def trials_of(sweep: Sweep, count: int) -> list[FrozenTrial]:
    """Finished and pruned ones in turn; of more than four, the last but one failed and the last is under way."""
    chance = random.Random(1)
    study = optuna.create_study(directions=["minimize"] * len(sweep.objectives))
    sampler = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for number in range(count):
        asked = sampler.ask()
        overrides = sweep.space.suggest(asked)
        state = TrialState.PRUNED if number % 4 == 2 else TrialState.COMPLETE
        if count > 4 and number >= count - 2:
            state = TrialState.FAIL if number == count - 2 else TrialState.RUNNING
        study.add_trial(made(sweep, asked, overrides, state, chance))
    return study.get_trials(deepcopy=False)


def made(sweep: Sweep, asked, overrides: Sequence[str], state: TrialState, chance: random.Random) -> FrozenTrial:
    """One trial, as asr.tuning.trials leaves it."""
    wer = wer_of(asked.params) + 0.05 * chance.random()
    parameters = chance.randrange(200_000, 4_000_000)
    seconds = 20.0 + parameters / 50_000
    figures = {"wer": wer, "cer": wer / 3, "parameters": parameters, "seconds": seconds, "real_time_factor": 0.01}
    attributes = {
        "folder": f"trials/{asked.number:04d}",
        "overrides": overrides,
        "machine": "here",
        "trained_s": seconds,
    }
    if state == TrialState.COMPLETE:
        dev = {"wer": wer, "cer": wer / 3, "wer_ci95": [wer - 0.03, wer + 0.04], "real_time_factor": 0.01}
        attributes["metrics"] = {"dev": dev, "train": {"parameters": parameters, "seconds": seconds}}
    elif state in REASONS:
        attributes["reason"] = REASONS[state]
    rungs = RUNGS[state] if len(sweep.objectives) == 1 else 0
    started = BEGAN + timedelta(minutes=asked.number)
    return FrozenTrial(
        number=asked.number,
        trial_id=asked.number,
        state=state,
        value=None,
        values=[figures[name] for name in sweep.objectives] if state == TrialState.COMPLETE else None,
        datetime_start=started,
        datetime_complete=started + timedelta(seconds=seconds) if state.is_finished() else None,
        params=asked.params,
        distributions=asked.distributions,
        user_attrs=attributes,
        system_attrs={},
        intermediate_values={rung: wer + 0.5 * (1 - rung / 20) for rung in range(1, rungs + 1)},
    )


def wer_of(params: Mapping[str, Any]) -> float:
    """Lower for conformers, and near a learning rate of 0.001."""
    of_encoder = {"lstm": 0.3, "conformer": 0.2}.get(params.get("encoder", ""), 0.5)
    return of_encoder + 30 * abs(params.get("optimizer.lr", 0.001) - 0.001)
