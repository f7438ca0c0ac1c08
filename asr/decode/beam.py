"""Beam search over CTC's prefixes, with an n-gram language model and hotwords."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from asr.ctc.alignment import align
from asr.decode.automaton import hotword_automaton, insertion_automaton, token_ngram
from asr.decode.greedy import Hypothesis
from asr.decode.lexicon import WordNgram
from asr.decode.prefix_search import Candidate, Scorer, search
from asr.errors import UserError
# from asr.text.arpa import read_arpa
from asr.text.ngram import SPECIAL, NgramModel
from asr.text.tokenizer import Tokenizer, UnknownCharacter


class BeamDecoder:
    """(B, T', V) log-probabilities and (B,) lengths -> a Hypothesis an utterance: the best of the candidates.

    language_model: an ARPA file, of words or of the tokenizer's tokens; its words are then the lexicon. Weights are in
    nats: lm_weight · ln P of the language model, insertion_bonus for each of its words (or tokens), hotword_boost for
    each token of a hotword. Raises UserError where the language model or a hotword cannot be used.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        beam: int,
        tokens_per_frame: int,
        language_model: str | Path | None,
        lm_weight: float,
        insertion_bonus: float,
        unknown_penalty: float | None,
        hotwords: Sequence[str],
        hotword_boost: float,
    ) -> None:
        self.beam, self.tokens_per_frame = beam, tokens_per_frame
        self.language_model = None if language_model is None else Path(language_model)
        self.scorers: list[Scorer] = []
        phrases = [spelled(phrase, tokenizer) for phrase in hotwords]
        if self.language_model is None:
            self.scorers += [insertion_automaton(tokenizer, insertion_bonus)] if insertion_bonus else []
        else:
            model = read_arpa(self.language_model)
            if is_of_tokens(model, tokenizer):
                self.scorers.append(token_ngram(model, tokenizer, lm_weight, insertion_bonus))
            else:
                more = sorted({word for phrase in phrases for word in phrase.split()})
                self.scorers.append(
                    WordNgram(model, tokenizer, lm_weight, insertion_bonus, unknown_penalty, more_words=more)
                )
        if phrases:
            self.scorers.append(hotword_automaton(phrases, tokenizer, hotword_boost))

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> list[Hypothesis]:
        found = self.candidates(log_probs, lengths, 1)
        return [
            timed(frames[:count], best[0].tokens if best else [])
            for frames, count, best in zip(log_probs, lengths.tolist(), found, strict=True)
        ]

    @torch.inference_mode()
    def candidates(self, log_probs: Tensor, lengths: Tensor, best: int) -> list[list[Candidate]]:
        """The n-best list of every utterance, the best candidate first."""
        return search(log_probs.cpu(), lengths.cpu(), self.scorers, self.beam, self.tokens_per_frame, best)


def timed(log_probs: Tensor, tokens: Sequence[int]) -> Hypothesis:
    """A transcript with the times of its tokens, by forced alignment."""
    found = align(log_probs, tokens)
    return Hypothesis(list(tokens), found.starts, found.ends, found.confidences)


def is_of_tokens(model: NgramModel, tokenizer: Tokenizer) -> bool:
    """Whether a language model's words are the tokenizer's tokens."""
    return set(model.words) - set(SPECIAL) <= {tokenizer.piece(token) for token in range(tokenizer.size)}


def spelled(phrase: str, tokenizer: Tokenizer) -> str:
    """A hotword as the tokenizer can write it; UserError where it cannot."""
    try:
        if not tokenizer.encode(phrase):
            raise UserError(f"hotword {phrase!r}: is empty")
    except UnknownCharacter as error:
        raise UserError(f"hotword {phrase!r}: {error}; write it as the training transcripts are written") from error
    return phrase
