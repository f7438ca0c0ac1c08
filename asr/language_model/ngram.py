"""N-gram language models with interpolated modified Kneser-Ney smoothing, in ARPA's format.

Chen & Goodman 1998, "An empirical study of smoothing techniques for language modeling"; sentence boundaries as in
Heafield et al. 2013, "Scalable modified Kneser-Ney language model estimation". Everything is arrays over the n-grams of
an order: an n-gram's id is its place among the sorted pairs (id of its first n - 1 words, last word).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.errors import UserError
from asr.writing import whole_file

UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"
SPECIAL = (UNKNOWN, BEGIN, END)  # ids 0, 1 and 2
FALLBACK = (0.5, 1.0, 1.5)  # discounts where there are too few n-grams to estimate them
WRITTEN_AT_ONCE = 100_000  # n-grams
NEVER = -99.0  # log10 of the probability that a sentence begins within a sentence


@dataclass
class Order:
    """All n-grams of one order, sorted by key = prefix · V + word.

    `prefix` is the id of the first n - 1 words, `suffix` that of the last n - 1; log10 probabilities and backoffs.
    """

    keys: np.ndarray
    prefix: np.ndarray
    word: np.ndarray
    suffix: np.ndarray
    log_prob: np.ndarray
    backoff: np.ndarray

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, prefix: np.ndarray, word: np.ndarray, vocabulary: int) -> np.ndarray:
        """Ids of n-grams, -1 for those that there are not, and where the prefix is -1."""
        keys = prefix * vocabulary + word
        if not len(self):
            return np.full(len(keys), -1)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where((prefix >= 0) & (self.keys[place] == keys), place, -1)


@dataclass
class NgramModel:
    """`orders[n - 1]` holds the n-grams; `words[id]` is a word's spelling."""

    words: list[str]
    orders: list[Order]

    def log_probs(self, sentences: Iterable[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
        """log10 P of every word of every sentence, its end included, and whether the word is known."""
        ids = {word: number for number, word in enumerate(self.words)}
        tokens = tokens_of(sentences, lambda word: ids.get(word, 0))
        begins = tokens == 1
        found = [tokens]  # the id of the n-gram that ends at each place, -1 where there is none
        since = places_since_begin(begins)
        for number, order in enumerate(self.orders[1:], start=2):
            shorter = np.concatenate([[-1], found[-1][:-1]])
            longer = order.find(shorter, tokens, len(self.words))
            found.append(np.where(since >= number - 1, longer, -1))
        result = np.zeros(len(tokens))
        settled = np.zeros(len(tokens), bool)
        for number in range(len(self.orders), 0, -1):
            here = ~settled & (found[number - 1] >= 0)
            result[here] += self.orders[number - 1].log_prob[found[number - 1][here]]
            settled |= here
            if number > 1:  # the context, one word shorter than this order, weighs what comes from below
                context = np.concatenate([[-1], found[number - 2][:-1]])
                backs_off = ~settled & (context >= 0) & (since >= number - 1)
                result[backs_off] += self.orders[number - 2].backoff[context[backs_off]]
        return result[~begins], tokens[~begins] != 0

    def perplexity(self, sentences: Iterable[Sequence[str]]) -> float:
        """10 to the mean of -log10 P, over words and sentence ends, unknown words as <unk>."""
        return perplexity(self.log_probs(sentences)[0])

    def write_arpa(self, path: Path, on_progress: Callable[[int, int | None], None] = lambda done, total: None) -> None:
        """ARPA's text format: \\data\\, then a section an order, log10 probabilities and backoffs."""
        done, total = 0, sum(map(len, self.orders))
        with whole_file(path) as part, open(part, "w", encoding="utf-8") as file:
            file.write("\\data\\\n")
            file.writelines(f"ngram {number}={len(order)}\n" for number, order in enumerate(self.orders, start=1))
            for number, order in enumerate(self.orders, start=1):
                file.write(f"\n\\{number}-grams:\n")
                for start in range(0, len(order), WRITTEN_AT_ONCE):
                    rows = slice(start, start + WRITTEN_AT_ONCE)
                    file.writelines(self._lines(number, rows))
                    on_progress(done + min(rows.stop, len(order)), total)
                done += len(order)
            file.write("\n\\end\\\n")

    def _lines(self, number: int, rows: slice) -> Iterator[str]:
        """Some of the n-grams as ARPA writes them."""
        order, columns = self.orders[number - 1], []
        ids = np.arange(len(order))[rows]
        for part in reversed(self.orders[:number]):
            columns.append([self.words[word] for word in part.word[ids].tolist()])
            ids = part.prefix[ids]
        texts = map(" ".join, zip(*reversed(columns), strict=True))
        log_probs, backoffs = order.log_prob[rows].tolist(), order.backoff[rows].tolist()
        if number == len(self.orders):
            return (f"{p:.7g}\t{text}\n" for p, text in zip(log_probs, texts, strict=True))
        return (f"{p:.7g}\t{text}\t{b:.7g}\n" for p, text, b in zip(log_probs, texts, backoffs, strict=True))


def perplexity(log_probs: np.ndarray) -> float:
    return float(10 ** -log_probs.mean()) if len(log_probs) else float("nan")


def estimate(sentences: Iterable[Sequence[str]], order: int) -> NgramModel:
    """The model of an order, or of a lower one where no sentence is as long, from sentences of words.

    Raises UserError where there are none, or no such order. A word that is spelled like <s> counts as unknown.
    """
    if order < 1:
        raise UserError(f"--order {order}: an n-gram has one word or more")
    words: dict[str, int] = {word: number for number, word in enumerate(SPECIAL)}
    tokens = tokens_of(sentences, lambda word: words.setdefault(word, len(words)))
    if len(words) == len(SPECIAL):
        raise UserError("there is no text to estimate a language model from")
    spelled, size = list(words), len(words)
    counted = list(_counted(tokens, order, size))
    order = len(counted)
    orders: list[Order] = []
    lower = np.full(size, 1.0 / (size - 1))  # what unigrams are smoothed with: every word but <s> alike
    for number, (keys, raw, places, suffix) in enumerate(counted, start=1):
        prefix, word = (np.zeros_like(keys), keys) if number == 1 else np.divmod(keys, size)
        if number < order:  # how many words an n-gram was seen to follow; one that begins a sentence follows none
            follows = np.bincount(counted[number][3], minlength=len(keys))
            counts = np.where(tokens[places] == 1, raw, follows)
        else:
            counts = raw
        if number == 1:
            counts = np.where(word == 1, 0, counts)
        discounted, left = _discount(counts, prefix, len(lower) if number > 1 else 1)
        probability = discounted + left[prefix] * (lower if number == 1 else lower[suffix])
        if number == 1:
            probability = np.where(word == 1, 1.0, probability)
        else:
            orders[-1].backoff[:] = np.log10(np.where(left > 0, left, 1.0))
        log_prob = np.log10(probability)
        if number == 1:
            log_prob[word == 1] = NEVER
        orders.append(Order(keys, prefix, word, suffix, log_prob, np.zeros(len(keys))))
        lower = probability
    return NgramModel(spelled, orders)


def _counted(tokens: np.ndarray, order: int, size: int) -> Iterator[tuple[np.ndarray, ...]]:
    """For every order that there are n-grams of: sorted keys, and of each how often it was seen, where it first begins,
    and the id of its last n - 1 words.
    """
    since = places_since_begin(tokens == 1)
    ids = tokens.copy()
    keys = np.arange(size)
    counts = np.bincount(tokens, minlength=size)
    first = np.zeros(size, np.int64)
    first[tokens[::-1]] = np.arange(len(tokens))[::-1]
    yield keys, counts, first, np.zeros(size, np.int64)
    for number in range(2, order + 1):
        ends = np.flatnonzero(since >= number - 1)  # within one sentence, from <s> on
        if not len(ends):
            return
        begins = ends - number + 1
        found, place, inverse, counts = np.unique(
            ids[begins] * size + tokens[ends], return_index=True, return_inverse=True, return_counts=True
        )
        suffix = ids[begins[place] + 1]
        yield found, counts, begins[place], suffix
        ids = np.full(len(tokens), -1)
        ids[begins] = inverse


def _discount(counts: np.ndarray, prefix: np.ndarray, contexts: int) -> tuple[np.ndarray, np.ndarray]:
    """Discounted relative frequencies within each context, and the mass that is left to each context's shorter one."""
    amounts = np.array([0.0, *discounts(counts)])
    taken = amounts[np.minimum(counts, 3)]
    total = np.bincount(prefix, weights=counts, minlength=contexts)
    left = np.bincount(prefix, weights=taken, minlength=contexts)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, left / total, 0.0)
        kept = np.where(total[prefix] > 0, (counts - taken) / total[prefix], 0.0)
    return kept, share


def discounts(counts: np.ndarray) -> tuple[float, float, float]:
    """What is taken from counts of one, of two, and of three and more (Chen & Goodman 1998, equation 26)."""
    ones, twos, threes, fours = (int((counts == number).sum()) for number in (1, 2, 3, 4))
    if not (ones and twos and threes):
        return FALLBACK
    share = ones / (ones + 2 * twos)
    found = (1 - 2 * share * twos / ones, 2 - 3 * share * threes / twos, 3 - 4 * share * fours / threes)
    if all(0 < amount <= number for number, amount in enumerate(found, start=1)):
        return found
    return FALLBACK


def tokens_of(sentences: Iterable[Sequence[str]], number_of) -> np.ndarray:
    """Every sentence as <s>, its words, </s>, one after the other: (N,) ids."""
    return np.fromiter(_ids(sentences, number_of), np.int64)


def _ids(sentences: Iterable[Sequence[str]], number_of) -> Iterator[int]:
    for sentence in sentences:
        if sentence:
            yield 1
            yield from (number if number >= len(SPECIAL) else 0 for number in map(number_of, sentence))
            yield 2


def places_since_begin(begins: np.ndarray) -> np.ndarray:
    """How many places each token stands after the last <s>."""
    places = np.arange(len(begins))
    return places - np.maximum.accumulate(np.where(begins, places, 0))
