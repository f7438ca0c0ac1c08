"""Greedy decoding: the likeliest token of every frame, repeats merged, blanks removed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from asr.tasks.transcribe.text.tokenizer import BLANK, Tokenizer


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What was heard in one utterance: tokens, first frame and frame after the last of each, confidences."""

    tokens: list[int]
    starts: list[int]
    ends: list[int]
    confidences: list[float]


class GreedyDecoder:
    """(B, T', V) log-probabilities and (B,) lengths -> a Hypothesis an utterance.

    A token's confidence is the mean of its frames' probabilities. Every decoder is given the tokenizer; this one needs
    none.
    """

    def __init__(self, tokenizer: Tokenizer | None = None) -> None:
        pass

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> list[Hypothesis]:
        scores, best = log_probs.max(-1)
        return [
            collapse(path[:length], score[:length])
            for path, score, length in zip(best.cpu(), scores.exp().cpu(), lengths.tolist(), strict=True)
        ]


def collapse(path: Tensor, probabilities: Tensor) -> Hypothesis:
    """(T',) token ids and probabilities -> runs of equal ids without the blanks."""
    tokens, counts = torch.unique_consecutive(path, return_counts=True)
    ends = counts.cumsum(0)
    runs = [
        (token, end - count, end, float(probabilities[end - count : end].mean()))
        for token, count, end in zip(tokens.tolist(), counts.tolist(), ends.tolist(), strict=True)
        if token != BLANK
    ]
    columns = list(zip(*runs, strict=True)) or [(), (), (), ()]
    return Hypothesis(*map(list, columns))
