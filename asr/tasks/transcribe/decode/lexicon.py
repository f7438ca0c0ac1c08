"""A language model of words, searched with token by token: a tree of spellings over the states of an n-gram model.

While a word is being spelled the score looks ahead to the likeliest word that it may become (Ortmanns et al. 1997,
"Language-model look-ahead for large vocabulary speech recognition"); at its end what was anticipated is exchanged for
what the model says.
"""

from collections.abc import Iterable, Iterator
from copy import copy

import torch
from torch import Tensor

from asr.errors import UserError
from asr.language_model.ngram import SPECIAL, NgramModel
from asr.language_model.states import NgramStates
from asr.tasks.transcribe.decode.prefix_search import State
from asr.tasks.transcribe.text.tokenizer import BLANK, SPACE_PIECE, Tokenizer, UnknownCharacter

ROOT, OFF = 0, 1  # nodes: before a word's first token, and off the tree, in a word that it does not hold
LARGEST = 200_000_000  # entries of the tree's table: 800 MB


class WordNgram:
    """A language model of words; `with_weights` says how much it counts.

    The state: node and context; what ending the word here would add, and the context after it. Words without an entry
    in the model (`more_words`) are spelled like its own and scored as <unk>. Raises UserError where the model's words
    cannot be spelled.
    """

    weight: float
    bonus: float
    penalty: float
    ahead: Tensor  # of each node the best that a word below it may add

    def __init__(self, model: NgramModel, tokenizer: Tokenizer, more_words: Iterable[str] = ()) -> None:
        self.states = NgramStates(model)
        known = set(model.words)
        spellings = [*spell(model, tokenizer), *((0, tokenizer.encode(w)) for w in more_words if w not in known)]
        self.opens = torch.tensor([tokenizer.piece(token).startswith(SPACE_PIECE) for token in range(tokenizer.size)])
        self.spaces_apart = not any(self.opens[path[0]] for _, path in spellings)
        self._plant(spellings, tokenizer.size)
        self._look_ahead()

    def with_weights(self, weight: float, bonus: float, unknown_penalty: float | None) -> "WordNgram":
        """The same, adding weight · ln P + bonus a word; one that the model does not hold costs the penalty, in nats.

        unknown_penalty: None leaves such words out altogether.
        """
        scorer = copy(self)
        scorer.weight, scorer.bonus = weight, bonus
        scorer.penalty = torch.inf if unknown_penalty is None else unknown_penalty
        scorer.ahead = weight * self.best_below + bonus
        scorer.ahead[ROOT] = 0.0
        scorer.ahead[OFF] = 0.0 if unknown_penalty is None else scorer.ahead[OFF] - unknown_penalty
        return scorer

    def _plant(self, spellings: list[tuple[int, list[int]]], vocabulary: int) -> None:
        """`children`: (nodes, V), OFF where a token leads off the tree; `word`: of each node, -1 where none ends."""
        found: dict[tuple[int, int], int] = {}
        ends = {}
        for word, path in spellings:
            node = ROOT
            for token in path:
                node = found.setdefault((node, token), len(found) + 2)
            ends[node] = word
        nodes = len(found) + 2
        if nodes * vocabulary > LARGEST:
            raise UserError(f"the words of the language model make {nodes} nodes, too many; leave rare words out of it")
        self.parents = torch.tensor([ROOT, ROOT, *(node for node, _ in found)])
        self.children = torch.full((nodes, vocabulary), OFF, dtype=torch.int32)
        edges = torch.tensor(list(found))
        self.children[edges[:, 0], edges[:, 1]] = torch.arange(2, nodes, dtype=torch.int32)
        self.word = torch.full((nodes,), -1)
        self.word[torch.tensor(list(ends))] = torch.tensor(list(ends.values()))
        opening = self.opens.nonzero().squeeze(1)
        # Where a token that opens a word leads from anywhere: into the tree, or, a mere space, to its root.
        self.opened = torch.full((vocabulary,), OFF)
        self.opened[opening] = ROOT if self.spaces_apart else self.children[ROOT, opening].long()

    def _look_ahead(self) -> None:
        """`best_below`: of each node the highest ln P of a word below it, by the unigrams; at OFF that of <unk>."""
        empty = torch.zeros(self.states.vocabulary, dtype=torch.long)
        unigrams, _ = self.states.advance(empty, torch.arange(self.states.vocabulary))
        best = torch.where(self.word >= 0, unigrams[self.word.clamp(min=0)], -torch.inf).tolist()
        parents = self.parents.tolist()
        for node in range(len(best) - 1, OFF, -1):  # children come after their parents
            best[parents[node]] = max(best[parents[node]], best[node])
        best[ROOT], best[OFF] = 0.0, float(unigrams[0])
        self.best_below = torch.tensor(best)

    def start(self, batch: int) -> State:
        node = torch.full((batch, 1), ROOT)
        return self._ready(node, torch.full_like(node, self.states.begin))

    def _ready(self, node: Tensor, context: Tensor) -> State:
        """The state, with what it will mean to end the word here."""
        ends, after = torch.zeros(node.shape), context.clone()
        inside = node != ROOT
        word = self.word[node[inside]]
        log_prob, after[inside] = self.states.advance(context[inside], word.clamp(min=0))
        unknown = torch.where(word < 0, self.penalty, 0.0)
        ends[inside] = self.weight * log_prob + self.bonus - unknown - self.ahead[node[inside]]
        return node, context, ends, after

    def scores(self, state: State, tokens: Tensor) -> Tensor:
        node, _, ends, _ = state
        child = self.children.take(node[:, :, None] * len(self.opens) + tokens[:, None]).long()  # (B, K, M)
        inside = self.ahead.take(child) - self.ahead[node][:, :, None]
        first = self.opened[tokens][:, None]
        if self.spaces_apart:  # no word is empty
            ends = torch.where(node == ROOT, -torch.inf, ends)
        ending = ends[:, :, None] + self.ahead[first]
        opens = self.opens[tokens][:, None]
        if self.penalty == torch.inf:
            inside = torch.where(child == OFF, -torch.inf, inside)
            ending = torch.where(first == OFF, -torch.inf, ending)
        return torch.where(opens, ending, inside)

    def advance(self, state: State, tokens: Tensor) -> State:
        grows = tokens != BLANK
        node, context, _, after = (part[grows] for part in state)
        token = tokens[grows]
        opens = self.opens[token]
        moved = self._ready(
            torch.where(opens, self.opened[token], self.children[node, token].long()),
            torch.where(opens, after, context),
        )
        return tuple(part.masked_scatter(grows, new) for part, new in zip(state, moved, strict=True))

    def final(self, state: State) -> Tensor:
        _, _, ends, after = state
        end = torch.full((after.numel(),), self.states.end)
        log_prob, _ = self.states.advance(after.flatten(), end)
        return ends + self.weight * log_prob.view(after.shape)


def spell(model: NgramModel, tokenizer: Tokenizer) -> Iterator[tuple[int, list[int]]]:
    """The ids of a model's words with their tokens; UserError where the tokenizer cannot write most of them."""
    strange = ""
    count = 0
    for number, word in enumerate(model.words):
        if word in SPECIAL:
            continue
        try:
            yield number, tokenizer.encode(word)
        except UnknownCharacter:
            strange, count = word, count + 1
    if 2 * count > len(model.words) - len(SPECIAL):
        raise UserError(
            f"{count} of {len(model.words)} words of the language model hold characters that this model cannot write,"
            f" such as {strange!r}; estimate it from text that is normalised as the transcripts are (asr lm --run …)"
        )
