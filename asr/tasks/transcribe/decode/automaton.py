"""Scorers whose next state depends on the state and the token alone, as tables: token n-grams and hotwords."""

from collections.abc import Sequence

import torch
from torch import Tensor

from asr.errors import UserError
from asr.language_model.ngram import NgramModel
from asr.language_model.states import NgramStates
from asr.tasks.transcribe.decode.prefix_search import State
from asr.tasks.transcribe.text.tokenizer import BLANK, SPACE_PIECE, Tokenizer

Path = tuple[int, ...]  # the tokens of a phrase so far
AT_ONCE = 100_000  # contexts that a table is filled for
LARGEST = 100_000_000  # entries of a table: 1.2 GB, of the two together


class Automaton:
    """`next` and `score`: (S, V) state after a token and what the token adds; `final`: (S,) what the end adds."""

    def __init__(self, next: Tensor, score: Tensor, final: Tensor, start: int) -> None:
        self.next_state, self.score, self.final_score, self.first = next, score, final, start

    def with_weights(self, weight: float, bonus: float) -> "Automaton":
        """The same with every score times `weight`, and `bonus` for each token."""
        return Automaton(self.next_state, weight * self.score + bonus, weight * self.final_score, self.first)

    def start(self, batch: int) -> State:
        return (torch.full((batch, 1), self.first),)

    def scores(self, state: State, tokens: Tensor) -> Tensor:
        return self.score.take(state[0][:, :, None] * self.score.shape[1] + tokens[:, None])

    def advance(self, state: State, tokens: Tensor) -> State:
        return (torch.where(tokens == BLANK, state[0], self.next_state[state[0], tokens].long()),)

    def final(self, state: State) -> Tensor:
        return self.final_score[state[0]]


def token_ngram(model: NgramModel, tokenizer: Tokenizer) -> Automaton:
    """A language model of tokens: ln P of each. Raises UserError where it is too large."""
    states = NgramStates(model)
    entries = states.count * tokenizer.size
    if entries > LARGEST:
        raise UserError(
            f"the language model's table has {states.count} contexts of {tokenizer.size} tokens, too many to search"
            f" with; estimate it with a lower --order"
        )
    ids = {word: number for number, word in enumerate(model.words)}
    words = torch.tensor([ids.get(tokenizer.piece(token), 0) for token in range(tokenizer.size)])
    log_probs = torch.zeros(states.count, tokenizer.size)
    following = torch.zeros(states.count, tokenizer.size, dtype=torch.int32)
    for here in torch.arange(states.count).split(AT_ONCE):
        scores, after = states.advance(here.repeat_interleave(len(words)), words.repeat(len(here)))
        log_probs[here] = scores.view(len(here), -1)
        following[here] = after.view(len(here), -1).int()
    ends, _ = states.advance(torch.arange(states.count), torch.full((states.count,), states.end))
    return Automaton(following, log_probs, ends, states.begin)


def insertion_automaton(tokenizer: Tokenizer, bonus: float) -> Automaton:
    """The same for every token."""
    return Automaton(
        torch.zeros(1, tokenizer.size, dtype=torch.int32), torch.full((1, tokenizer.size), bonus), torch.zeros(1), 0
    )


def hotword_automaton(phrases: Sequence[str], tokenizer: Tokenizer, boost: float) -> Automaton:
    """Phrases that are likelier to be heard than the training said: `boost` nats for each of their tokens.

    A phrase counts as whole words only. Its tokens are rewarded as they come, so that the beam keeps it, and the
    reward is taken back where it goes on differently (Aho & Corasick 1975).
    """
    opens = [tokenizer.piece(token).startswith(SPACE_PIECE) for token in range(tokenizer.size)]
    paths = {tuple(tokenizer.encode(phrase)) for phrase in phrases} - {()}
    spaces_apart = not any(opens[path[0]] for path in paths)  # a token ▁ after every word, else a ▁ that begins it
    nodes: set[Path] = {path[:length] for path in paths for length in range(len(path) + 1)}

    def suffix(path: Path) -> Path | None:
        """The longest proper suffix that begins with a word and begins a phrase."""
        for first in range(1, len(path) + 1):
            begins = opens[path[first - 1]] if spaces_apart else first < len(path) and opens[path[first]]
            if begins and path[first:] in nodes:
                return path[first:]
        return None

    def after(path: Path | None, token: int) -> Path | None:
        """Where a token leads; None is the midst of a word that begins no phrase."""
        while path is not None:
            if (*path, token) in nodes:
                return (*path, token)
            path = suffix(path)
        if not opens[token]:
            return None
        return () if spaces_apart else (token,) if (token,) in nodes else None

    earned: dict[Path, float] = {}  # by the phrases that are whole where a word ends here
    for path in sorted(nodes, key=len):
        shorter = suffix(path)
        earned[path] = boost * len(path) * (path in paths) + (earned[shorter] if shorter is not None else 0.0)

    states: list[Path | None] = [*sorted(nodes), None]  # the empty path is the first
    number = {path: state for state, path in enumerate(states)}
    progress = {path: boost * len(path or ()) for path in states}
    next_state = torch.zeros(len(states), tokenizer.size, dtype=torch.int32)
    score, final = torch.zeros(next_state.shape), torch.zeros(len(states))
    for state, reached in enumerate(states):
        kept = earned[reached] if reached is not None else 0.0
        for token in range(tokenizer.size):
            following = after(reached, token)
            next_state[state, token] = number[following]
            score[state, token] = progress[following] - progress[reached] + kept * opens[token]
        final[state] = kept - progress[reached]
    return Automaton(next_state, score, final, 0)
