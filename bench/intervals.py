"""How often a nominal 95 % interval holds the true WER, for few and many speakers: python -m bench.intervals."""

import argparse
import json

import numpy as np

from asr.evaluation.bootstrap import resample

SPREAD = 8  # of a Beta distribution from which speakers' rates are drawn: α + β
SETTINGS = ((3, 0.3), (6, 0.3), (6, 0.03), (14, 0.3), (14, 0.03), (30, 0.1), (125, 0.76))  # speakers, mean WER
WORDS = 20, 200  # of a speaker, both included


def percentile_interval(random: np.random.Generator, errors: np.ndarray, words: np.ndarray) -> np.ndarray:
    """What is usual: the percentiles of the rates of drawn sets (Bisani & Ney 2004)."""
    drawn = random.multinomial(len(errors), np.full(len(errors), 1 / len(errors)), size=1000)  # (R, N)
    return np.percentile((drawn @ errors) / (drawn @ words), [2.5, 97.5])


def coverage(speakers: int, mean: float, trials: int, seed: int) -> dict[str, float]:
    """Shares of test sets whose interval holds the mean of all speakers' rates."""
    random = np.random.default_rng(seed)
    held = np.zeros((trials, 2), bool)
    for trial in range(trials):
        words = random.integers(WORDS[0], WORDS[1] + 1, speakers)
        errors = random.binomial(words, random.beta(SPREAD * mean, SPREAD * (1 - mean), speakers))
        ours = resample(errors, words, trial).interval(int(words.sum()))
        for column, (low, high) in enumerate((percentile_interval(random, errors, words), ours)):
            held[trial, column] = low <= mean <= high
    percentile, studentised = held.mean(axis=0).tolist()
    return {"speakers": speakers, "wer": mean, "percentile": percentile, "studentised": studentised}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(json.dumps([coverage(*setting, given.trials, given.seed) for setting in SETTINGS]))
