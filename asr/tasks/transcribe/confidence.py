"""How likely a word is right, from what the model says of its tokens."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from asr.errors import UserError
from asr.tasks.transcribe.timing.words import Token, Transcript, tokens_by_word

WEIGHTS = 5  # of what `confidence_features` gives, and a constant
CERTAIN = 1e-4  # probabilities nearer to 0 or 1 are taken as that near


@dataclass(frozen=True)
class WordConfidence:
    """A logistic map (Platt 1999) of a word's features; `weights` are those of `confidence_features` and a constant."""

    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.weights) != WEIGHTS or not all(math.isfinite(weight) for weight in self.weights):
            raise UserError(f"confidence: has to be {WEIGHTS} numbers")

    def __call__(self, tokens: Sequence[Token]) -> float:
        values = [*confidence_features(tokens), 1.0]
        total = sum(weight * value for weight, value in zip(self.weights, values, strict=True))
        return 1 / (1 + math.exp(-min(max(total, -50.0), 50.0)))

    def of(self, transcript: Transcript) -> Transcript:
        """The same transcript with the confidences of its words made anew."""
        groups = tokens_by_word(transcript.tokens)
        if len(groups) != len(transcript.words):
            return transcript
        words = [
            replace(word, confidence=round(self(tokens), 4))
            for word, tokens in zip(transcript.words, groups, strict=True)
        ]
        return replace(transcript, words=words)


def confidence_features(tokens: Sequence[Token]) -> list[float]:
    """Of a word's tokens: log-odds of the least likely, mean probability, how many there are, the seconds they take."""
    probabilities = [token.confidence for token in tokens]
    seconds = tokens[-1].end - tokens[0].start
    mean = sum(probabilities) / len(probabilities)
    return [log_odds(min(probabilities)), mean, math.log(len(tokens)), math.log(max(seconds, 0.01))]


def log_odds(probability: float) -> float:
    clipped = min(max(probability, CERTAIN), 1 - CERTAIN)
    return math.log(clipped / (1 - clipped))
