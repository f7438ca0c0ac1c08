"""Beam search over CTC's prefixes, with an n-gram language model and hotwords."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from asr.errors import UserError
from asr.language_model.arpa import read_arpa
from asr.language_model.ngram import SPECIAL, NgramModel
from asr.tasks.transcribe.ctc.alignment import align_batch
from asr.tasks.transcribe.decode.automaton import Automaton, hotword_automaton, insertion_automaton, token_ngram
from asr.tasks.transcribe.decode.greedy import Hypothesis
from asr.tasks.transcribe.decode.lexicon import WordNgram
from asr.tasks.transcribe.decode.prefix_search import Candidate, Scorer, search
from asr.tasks.transcribe.text.tokenizer import Tokenizer, UnknownCharacter


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
        phrases = [as_training_text(phrase, tokenizer) for phrase in hotwords]
        self.hotwords = [hotword_automaton(phrases, tokenizer, hotword_boost)] if phrases else []
        self.language_model: Automaton | WordNgram | None = None  # without its weights
        if language_model is not None:
            model = read_arpa(Path(language_model))
            of_tokens = is_of_tokens(model, tokenizer)
            more_words = {word for phrase in phrases for word in phrase.split()}
            self.language_model = (
                token_ngram(model, tokenizer) if of_tokens else WordNgram(model, tokenizer, sorted(more_words))
            )
        self.set_weights(lm_weight, insertion_bonus, unknown_penalty)

    @property
    def has_lexicon(self) -> bool:
        """Whether its language model is one of words."""
        return isinstance(self.language_model, WordNgram)

    def set_weights(self, lm_weight: float, insertion_bonus: float, unknown_penalty: float | None = None) -> None:
        """Search with these weights from now on."""
        self.scorers: list[Scorer] = [*self.hotwords]
        if isinstance(self.language_model, WordNgram):
            self.scorers.append(self.language_model.with_weights(lm_weight, insertion_bonus, unknown_penalty))
        elif self.language_model is not None:
            self.scorers.append(self.language_model.with_weights(lm_weight, insertion_bonus))
        elif insertion_bonus:
            self.scorers.append(insertion_automaton(self.tokenizer, insertion_bonus))

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> list[Hypothesis]:
        return with_token_times(log_probs, lengths, self.transcripts(log_probs, lengths))

    def transcripts(self, log_probs: Tensor, lengths: Tensor) -> list[list[int]]:
        """The tokens of every utterance's best candidate; none where a lexicon left no candidate."""
        return [found[0].tokens if found else [] for found in self.candidates(log_probs, lengths, 1)]

    @torch.inference_mode()
    def candidates(self, log_probs: Tensor, lengths: Tensor, best: int) -> list[list[Candidate]]:
        """The n-best list of every utterance, the best candidate first."""
        return search(log_probs.cpu(), lengths.cpu(), self.scorers, self.beam, self.tokens_per_frame, best)


def with_token_times(log_probs: Tensor, lengths: Tensor, transcripts: Sequence[list[int]]) -> list[Hypothesis]:
    """Transcripts with the times of their tokens, by forced alignment; empty ones where one does not fit."""
    tokens = pad_sequence([torch.tensor(transcript, dtype=torch.long) for transcript in transcripts], batch_first=True)
    found = align_batch(log_probs, lengths, tokens, torch.tensor([len(transcript) for transcript in transcripts]))
    hypotheses = []
    for row, transcript in enumerate(transcripts):
        one = found[row]
        hypotheses.append(Hypothesis(transcript[: len(one.starts)], one.starts, one.ends, one.confidences))
    return hypotheses


def is_of_tokens(model: NgramModel, tokenizer: Tokenizer) -> bool:
    """Whether a language model's words are the tokenizer's tokens."""
    return set(model.words) - set(SPECIAL) <= {tokenizer.piece(token) for token in range(tokenizer.size)}


def as_training_text(phrase: str, tokenizer: Tokenizer) -> str:
    """A hotword as the tokenizer can write it; UserError where it cannot."""
    try:
        if not tokenizer.encode(phrase):
            raise UserError(f"hotword {phrase!r}: is empty")
    except UnknownCharacter as error:
        raise UserError(f"hotword {phrase!r}: {error}; write it as the training transcripts are written") from error
    return phrase
