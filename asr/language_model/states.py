"""An n-gram language model as states to walk through, many at a time.

A state is a context: the longest run of last words that the model holds as an n-gram below its highest order.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor

from asr.language_model.ngram import BEGIN, END, NgramModel

LN10 = math.log(10.0)


class NgramStates:
    """`advance(states, words)`: log-probabilities in nats and the states that follow; state 0 knows no word.

    Words are ids of `model.words`. `suffixes[state]` is the context without its first word, `backoffs[state]` what
    leaving that word out costs; `of_order[n]` are the states of contexts of n words.
    """

    def __init__(self, model: NgramModel) -> None:
        self.vocabulary = len(model.words)
        contexts = model.orders[:-1]
        first = [1]
        for order in contexts:
            first.append(first[-1] + len(order))
        self.of_order = [range(1)] + [range(start, stop) for start, stop in pairwise(first)]
        self.count = first[-1]
        self.lengths = torch.zeros(self.count, dtype=torch.long)
        self.suffixes = torch.zeros(self.count, dtype=torch.long)
        self.backoffs = torch.zeros(self.count)
        self.keys, self.log_probs, self.next = [], [], []
        for number, order in enumerate(model.orders, start=1):
            log_probs = torch.from_numpy(order.log_prob * LN10).float()
            suffixes = torch.from_numpy(order.suffix).long() + (first[number - 2] if number > 1 else 0)
            if number <= len(contexts):
                here = slice(first[number - 1], first[number])
                self.lengths[here] = number
                self.suffixes[here] = suffixes if number > 1 else 0
                self.backoffs[here] = torch.from_numpy(order.backoff * LN10).float()
                suffixes = torch.arange(first[number - 1], first[number])
            self.keys.append(torch.from_numpy(order.keys).long())
            self.log_probs.append(log_probs)
            self.next.append(suffixes if contexts else torch.zeros_like(suffixes))
        self.end = model.words.index(END)
        self.begin = int(first[0] + model.words.index(BEGIN)) if contexts else 0

    def advance(self, states: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """(N,) states and words -> (N,) log P(word | state) and (N,) states."""
        result, following = torch.zeros(len(states)), torch.zeros_like(states)
        context, open_ = states, torch.arange(len(states))
        for length in reversed(range(len(self.keys))):
            at = self.lengths[context] == length
            if length and not at.any():
                continue
            keys = self.keys[length]
            prefix = (context[at] - self.of_order[length].start) if length else context[at]
            wanted = prefix * self.vocabulary + words[open_[at]]
            place = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
            hit = keys[place] == wanted
            done, place = open_[at][hit], place[hit]
            result[done] += self.log_probs[length][place]
            following[done] = self.next[length][place]
            missed = at.clone()
            missed[at] = ~hit
            result[open_[missed]] += self.backoffs[context[missed]]
            context = torch.where(missed, self.suffixes[context], context)
            left = ~at | missed
            context, open_ = context[left], open_[left]
        return result, following
