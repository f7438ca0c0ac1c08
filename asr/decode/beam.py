"""Beam search over CTC's prefixes, with an n-gram language model and hotwords."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from asr.ctc.alignment import align_batch
from asr.decode.automaton import hotword_automaton, insertion_automaton, token_ngram
from asr.decode.greedy import Hypothesis
from asr.decode.lexicon import WordNgram
from asr.decode.prefix_search import Candidate, Scorer, search
from asr.errors import UserError
from asr.text.arpa import read_arpa
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
        self.tokenizer, self.beam, self.tokens_per_frame = tokenizer, beam, tokens_per_frame
        phrases = [spelled(phrase, tokenizer) for phrase in hotwords]
        self.more_words = sorted({word for phrase in phrases for word in phrase.split()})
        self.hotwords = [hotword_automaton(phrases, tokenizer, hotword_boost)] if phrases else []
        self.language_model = None if language_model is None else read_arpa(Path(language_model))
        self.weigh(lm_weight, insertion_bonus, unknown_penalty)

    @property
    def has_lexicon(self) -> bool:
        """Whether its language model is one of words."""
        return self.language_model is not None and not is_of_tokens(self.language_model, self.tokenizer)

    def weigh(self, lm_weight: float, insertion_bonus: float, unknown_penalty: float | None = None) -> None:
        """Search with these weights from now on."""
        model, tokenizer = self.language_model, self.tokenizer
        self.scorers: list[Scorer] = [*self.hotwords]
        if model is None:
            self.scorers.append(insertion_automaton(tokenizer, insertion_bonus))
        elif self.has_lexicon:
            self.scorers.append(
                WordNgram(model, tokenizer, lm_weight, insertion_bonus, unknown_penalty, self.more_words)
            )
        else:
            self.scorers.append(token_ngram(model, tokenizer, lm_weight, insertion_bonus))

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> list[Hypothesis]:
        return timed(log_probs, lengths, [found[0].tokens for found in self.candidates(log_probs, lengths, 1)])

    @torch.inference_mode()
    def candidates(self, log_probs: Tensor, lengths: Tensor, best: int) -> list[list[Candidate]]:
        """The n-best list of every utterance, the best candidate first."""
        return search(log_probs.cpu(), lengths.cpu(), self.scorers, self.beam, self.tokens_per_frame, best)


def timed(log_probs: Tensor, lengths: Tensor, transcripts: Sequence[list[int]]) -> list[Hypothesis]:
    """Transcripts with the times of their tokens, by forced alignment."""
    tokens = pad_sequence([torch.tensor(transcript, dtype=torch.long) for transcript in transcripts], batch_first=True)
    found = align_batch(log_probs, lengths, tokens, torch.tensor([len(transcript) for transcript in transcripts]))
    return [
        Hypothesis(transcript, found[row].starts, found[row].ends, found[row].confidences)
        for row, transcript in enumerate(transcripts)
    ]


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
