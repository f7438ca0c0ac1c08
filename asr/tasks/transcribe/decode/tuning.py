"""The weights of a beam search, found on held-out speech by Optuna."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import optuna
from torch import Tensor

from asr.tasks.transcribe.decode.beam import BeamDecoder
from asr.tasks.transcribe.scoring.wer import character_error_rate, word_error_rate

WEIGHTS = {  # nats: the lowest, the highest
    "lm_weight": (0.0, 3.0),
    "insertion_bonus": (-2.0, 5.0),
    "unknown_penalty": (0.0, 20.0),
}
RANDOM = 15  # trials before the sampler learns from them


@dataclass(frozen=True)
class Rates:
    """Error rates of a set, as fractions."""

    wer: float
    cer: float

    @classmethod
    def of(cls, references: Sequence[str], texts: Sequence[str]) -> "Rates":
        return cls(word_error_rate(references, texts), character_error_rate(references, texts))


def tune(
    decoder: BeamDecoder,
    batches: Sequence[tuple[Tensor, Tensor]],
    references: Sequence[str],
    text_of: Callable[[Sequence[int]], str],
    first: Mapping[str, float | None],
    trials: int,
    seed: int,
    on_trial: Callable[[int, Rates, dict[str, float]], None],
) -> tuple[dict[str, float], Rates]:
    """The weights with the lowest WER of `trials`, the first of them `first`.

    batches: (B, T', V) log-probabilities and (B,) lengths of every batch; references: in the same order. Leaves the
    decoder with these weights. `unknown_penalty` is searched for where `first` holds a number for it.
    """
    best: tuple[dict[str, float], Rates] | None = None

    def objective(trial: optuna.Trial) -> float:
        nonlocal best
        weights = {
            name: round(trial.suggest_float(name, *WEIGHTS[name]), 3) for name in WEIGHTS if first.get(name) is not None
        }
        rates = rates_with(decoder, weights, batches, references, text_of)
        if best is None or (rates.wer, rates.cer) < (best[1].wer, best[1].cer):
            best = weights, rates
        on_trial(trial.number + 1, rates, weights)
        return rates.wer

    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=RANDOM)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial({name: value for name, value in first.items() if value is not None})
    study.optimize(objective, n_trials=trials)
    assert best is not None
    decoder.set_weights(**best[0])
    return best


def rates_with(
    decoder: BeamDecoder,
    weights: dict[str, float],
    batches: Sequence[tuple[Tensor, Tensor]],
    references: Sequence[str],
    text_of: Callable[[Sequence[int]], str],
) -> Rates:
    """Error rates with these weights."""
    decoder.set_weights(**weights)
    return Rates.of(references, [text_of(tokens) for batch in batches for tokens in decoder.transcripts(*batch)])
