"""CTC prefix beam search (Graves 2012, section 7.5.3; Hannun et al. 2014), a whole batch of utterances at once.

A prefix is what CTC's collapsing makes of the frames so far. The search keeps the likeliest ones, each with the
probability of all its alignments; language models and hotwords add to its score as it grows (shallow fusion).

Shapes: B utterances, K prefixes kept of each, M tokens tried in a frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from asr.tasks.transcribe.text.tokenizer import BLANK

START, NOWHERE, DEAD = 1, 2, 3  # hashes of the empty prefix, of what comes before it, and of no prefix at all
FACTOR, INCREMENT = 6364136223846793005, 1442695040888963407  # of the hash of prefixes (Knuth, MMIX)

State = tuple[Tensor, ...]  # what a scorer remembers of every prefix, (B, K) each


class Scorer(Protocol):
    """Adds to the score of a prefix as it grows, in nats."""

    def start(self, batch: int) -> State:
        """The state of the empty prefix, (B, 1)."""

    def scores(self, state: State, tokens: Tensor) -> Tensor:
        """(B, M) tokens, none of them blank -> (B, K, M), what each would add."""

    def advance(self, state: State, tokens: Tensor) -> State:
        """The states after (B, K) tokens; where the token is blank, the state stays."""

    def final(self, state: State) -> Tensor:
        """(B, K), what the end of the utterance adds."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A transcript: its tokens, log P(tokens | audio) over the alignments searched, and what the scorers added."""

    tokens: list[int]
    acoustic: float
    added: float

    @property
    def score(self) -> float:
        return self.acoustic + self.added


@dataclass
class Beams:
    """The prefixes kept, (B, K) each: log-probabilities of ending in a blank and in the last token, what was added."""

    blank: Tensor
    nonblank: Tensor
    added: Tensor
    prefix: Tensor  # hashes of the prefix and of the prefix without its last token
    parent: Tensor
    last: Tensor
    states: list[State]

    @classmethod
    def begin(cls, like: Tensor, scorers: Sequence[Scorer]) -> "Beams":
        """One empty prefix for every utterance of (B, T', V) log-probabilities."""
        zeros = like.new_zeros(len(like), 1)
        whole = zeros.long()
        states = [scorer.start(len(like)) for scorer in scorers]
        return cls(zeros, zeros - torch.inf, zeros, whole + START, whole + NOWHERE, whole + BLANK, states)

    def rows(self, rows: slice) -> "Beams":
        fields = (self.blank, self.nonblank, self.added, self.prefix, self.parent, self.last)
        blank, nonblank, added, prefix, parent, last = (field[rows] for field in fields)
        states = [tuple(part[rows] for part in state) for state in self.states]
        return Beams(blank, nonblank, added, prefix, parent, last, states)


def search(
    log_probs: Tensor, lengths: Tensor, scorers: Sequence[Scorer], beam: int, tokens_per_frame: int, best: int = 1
) -> list[list[Candidate]]:
    """(B, T', V) log-probabilities, (B,) frames -> for every utterance its `best` candidates, the best one first.

    beam: prefixes kept after each frame. tokens_per_frame: how many of the frame's likeliest tokens may prolong them.
    """
    order = lengths.argsort(descending=True, stable=True)
    log_probs, lengths = log_probs[order], lengths[order]
    beams = Beams.begin(log_probs, scorers)
    ended: list[tuple[Tensor, Tensor, Tensor]] = []
    history = []
    for t in range(int(lengths.max()) if len(lengths) else 0):
        running = int((lengths > t).sum())
        if running < len(beams.last):
            ended.insert(0, _end(beams.rows(slice(running, None)), scorers, best))
            beams = beams.rows(slice(running))
        beams, came_from, token = _step(beams, log_probs[:running, t], scorers, beam, tokens_per_frame)
        history.append((came_from, token))
    ended.insert(0, _end(beams, scorers, best))
    found: list[list[Candidate]] = [[] for _ in order]
    traced = _trace([slots for slots, _, _ in ended], history)
    rows = [row for _, acoustic, added in ended for row in zip(acoustic.tolist(), added.tolist(), strict=True)]
    for place, tokens, (acoustic, added) in zip(order.tolist(), traced, rows, strict=True):
        found[place] = [
            Candidate([token for token in path if token != BLANK], heard, more)
            for path, heard, more in zip(tokens, acoustic, added, strict=True)
            if heard + more > -torch.inf
        ]
    return found


def _step(
    beams: Beams, frame: Tensor, scorers: Sequence[Scorer], beam: int, tokens_per_frame: int
) -> tuple[Beams, Tensor, Tensor]:
    """One frame (B, V) on: the new prefixes, which old one each came from, and the token it got, or blank."""
    total = torch.logaddexp(beams.blank, beams.nonblank)
    stay_blank = total + frame[:, BLANK, None]
    stay_nonblank = beams.nonblank + frame.gather(1, beams.last)
    tokens = _likeliest(frame, tokens_per_frame)  # (B, M)
    width, tried = beams.last.shape[1], tokens.shape[1]
    grown = (total[:, :, None] + frame.gather(1, tokens)[:, None]).flatten(1)  # (B, K·M)
    nowhere = grown.new_full((len(grown), 1), -torch.inf)
    grown = torch.cat([grown, nowhere], 1)  # whose last place takes what goes nowhere

    # The last token again makes a longer prefix only after a blank.
    places = torch.full_like(frame, -1, dtype=torch.long).scatter_(1, tokens, torch.arange(tried).expand_as(tokens))
    of_last = places.gather(1, beams.last)  # (B, K), -1 where that token is not tried
    twice = torch.where(of_last < 0, width * tried, torch.arange(width) * tried + of_last)
    grown.scatter_(1, twice, torch.where(of_last < 0, -torch.inf, beams.blank + frame.gather(1, beams.last)))

    # A prefix may stay what it is, or be reached again from its parent: the same prefix, so the two are added.
    ordered, order = beams.prefix.sort(dim=1)
    parent = torch.searchsorted(ordered, beams.parent).clamp(max=width - 1)
    again = (ordered.gather(1, parent) == beams.parent) & (of_last >= 0)
    place = torch.where(again, order.gather(1, parent) * tried + of_last, width * tried)
    stay_nonblank = torch.logaddexp(stay_nonblank, grown.gather(1, place))
    grown.scatter_(1, place, -torch.inf)

    added = beams.added[:, :, None] + sum(
        scorer.scores(state, tokens) for scorer, state in zip(scorers, beams.states, strict=True)
    )
    added = torch.cat([beams.added, added.expand(-1, -1, tried).flatten(1), nowhere], 1)
    acoustic = torch.cat([torch.logaddexp(stay_blank, stay_nonblank), grown], 1)
    score, chosen = (acoustic + added).topk(min(beam, acoustic.shape[1] - 1), dim=1)

    dead = score == -torch.inf  # fewer prefixes than places
    stays = chosen < width
    grows = (chosen - width).clamp(min=0, max=width * tried - 1)
    came_from = torch.where(stays, chosen, grows // tried)
    token = torch.where(stays, BLANK, tokens.gather(1, grows % tried))
    prefix = beams.prefix.gather(1, came_from)
    longer = (prefix + token) * FACTOR + INCREMENT
    states = [tuple(part.gather(1, came_from) for part in state) for state in beams.states]
    new = Beams(
        blank=torch.where(stays, stay_blank.gather(1, came_from), -torch.inf),
        nonblank=torch.cat([stay_nonblank, grown], 1).gather(1, chosen),
        added=added.gather(1, chosen),
        prefix=torch.where(dead, DEAD, torch.where(stays, prefix, longer)),
        parent=torch.where(dead, NOWHERE, torch.where(stays, beams.parent.gather(1, came_from), prefix)),
        last=torch.where(stays, beams.last.gather(1, came_from), token),
        states=[scorer.advance(state, token) for scorer, state in zip(scorers, states, strict=True)],
    )
    return new, came_from, token


def _likeliest(frame: Tensor, count: int) -> Tensor:
    """(B, V) -> (B, M), tokens but for the blank."""
    if count >= frame.shape[1] - 1:
        return torch.arange(1, frame.shape[1]).expand(len(frame), -1)
    return frame[:, BLANK + 1 :].topk(count, dim=1, sorted=False).indices + BLANK + 1


def _end(beams: Beams, scorers: Sequence[Scorer], best: int) -> tuple[Tensor, Tensor, Tensor]:
    """Places, log-probabilities and additions of the best prefixes, (B, best) each."""
    acoustic = torch.logaddexp(beams.blank, beams.nonblank)
    added = beams.added + sum(scorer.final(state) for scorer, state in zip(scorers, beams.states, strict=True))
    slots = (acoustic + added).topk(min(best, acoustic.shape[1]), dim=1).indices
    return slots, acoustic.gather(1, slots), added.gather(1, slots)


def _trace(ended: Sequence[Tensor], history: Sequence[tuple[Tensor, Tensor]]) -> list[list[list[int]]]:
    """The token of every frame (or blank) of the prefixes that ended in these places, utterances the longest first."""
    best = max(slots.shape[1] for slots in ended)
    slots = torch.cat([torch.nn.functional.pad(part, (0, best - part.shape[1])) for part in ended])
    paths = slots.new_full((*slots.shape, len(history)), BLANK)
    for t in reversed(range(len(history))):
        came_from, token = history[t]
        running = len(token)
        paths[:running, :, t] = token.gather(1, slots[:running])
        slots[:running] = came_from.gather(1, slots[:running])
    widths = [part.shape[1] for part in ended for _ in part]
    return [row[:width] for row, width in zip(paths.tolist(), widths, strict=True)]
