"""Modified Kneser-Ney against its definition, computed word by word; ARPA as others read it."""

import math
import random
from collections import Counter, defaultdict
from itertools import product

import numpy as np
import pytest

from asr.errors import UserError
from asr.language_model.arpa import read_arpa
from asr.language_model.ngram import FALLBACK, discounts, estimate

TEXT = (
    "the cat sat on the mat|the dog sat on the log|a cat and a dog|the mat was red|the log was old|a red cat sat|"
    "on the mat the cat slept|the old dog slept|the cat|a dog sat on a mat|was the cat old|the dog was red and old"
)
SENTENCES = [sentence.split() for sentence in TEXT.split("|")]


class ByDefinition:
    """Chen & Goodman's recursion over dictionaries of counts; slow, and nothing shared with ours."""

    def __init__(self, sentences: list[list[str]], order: int) -> None:
        self.order = order
        padded = [["<s>", *sentence, "</s>"] for sentence in sentences]
        self.vocabulary = sorted({word for sentence in sentences for word in sentence} | {"</s>", "<unk>"})
        raw: dict[int, Counter] = {n: Counter() for n in range(1, order + 1)}
        for sentence in padded:
            for n in range(1, order + 1):
                for start in range(len(sentence) - n + 1):
                    raw[n][tuple(sentence[start : start + n])] += 1
        self.counts = {order: dict(raw[order])}
        for n in range(1, order):
            before = defaultdict(set)
            for gram in raw[n + 1]:
                before[gram[1:]].add(gram[0])
            self.counts[n] = {g: raw[n][g] if g[0] == "<s>" else len(before[g]) for g in raw[n]}
        self.counts[1].pop(("<s>",), None)
        self.discounts = {n: (0.0, *discounts(np.array(list(self.counts[n].values())))) for n in self.counts}

    def probability(self, word: str, context: tuple[str, ...]) -> float:
        context = context[-(self.order - 1) :] if self.order > 1 else ()
        n = len(context) + 1
        seen = {gram[-1]: count for gram, count in self.counts[n].items() if gram[:-1] == context}
        if not seen and n > 1:
            return self.probability(word, context[1:])
        total = sum(seen.values())
        taken = {w: self.discounts[n][min(c, 3)] for w, c in seen.items()}
        lower = self.probability(word, context[1:]) if n > 1 else 1 / len(self.vocabulary)
        return (seen.get(word, 0) - taken.get(word, 0.0)) / total + sum(taken.values()) / total * lower


def test_every_probability_is_that_of_the_definition():
    for order in (1, 2, 3, 4):
        model, expected = estimate(SENTENCES, order), ByDefinition(SENTENCES, order)
        sentences = [["the", "cat", "was", "on", "the", "dog"], ["mat"], ["a", "zebra", "sat"], ["old", "old", "old"]]
        found, known = model.log_probs(sentences)
        wanted = []
        for sentence in sentences:
            padded = ["<s>", *(word if word in expected.vocabulary else "<unk>" for word in sentence), "</s>"]
            wanted += [math.log10(expected.probability(w, tuple(padded[:i]))) for i, w in enumerate(padded) if i]
        np.testing.assert_allclose(found, wanted, rtol=1e-9)
        assert (~known).sum() == 1


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_sum_to_one_after_every_context(order):
    chance = random.Random(order)
    sentences = [chance.choices("abcdefgh", weights=range(1, 9), k=chance.randint(1, 9)) for _ in range(200)]
    model = estimate(sentences, order)
    words = [word for word in model.words if word != "<s>"]
    contexts = [tuple(chance.choices(words, k=order - 1)) for _ in range(20)]
    contexts += [tuple(sentence[: order - 1]) for sentence in sentences[:20]]
    for context in contexts:
        context = tuple(word for word in context if word != "</s>")
        total = 0.0
        for word in words:
            if word == "</s>":
                found, _ = model.log_probs([[*context]])
                total += 10 ** found[-1] if context else 10 ** end_after_begin(model)
            else:
                found, _ = model.log_probs([[*context, word]])
                total += 10 ** found[len(context)]
        assert total == pytest.approx(1.0, abs=1e-9)


def end_after_begin(model) -> float:
    """log10 P(</s> | <s>): an empty sentence, which log_probs leaves out."""
    known = model.orders[1].find(np.array([1]), np.array([2]), len(model.words))[0] if len(model.orders) > 1 else -1
    if known >= 0:
        return float(model.orders[1].log_prob[known])
    return float(model.orders[0].log_prob[2] + (model.orders[0].backoff[1] if len(model.orders) > 1 else 0.0))


def test_arpa_holds_the_same_model(tmp_path):
    model = estimate(SENTENCES, 3)
    model.write_arpa(tmp_path / "lm.arpa")
    probabilities, backoffs = dictionaries(tmp_path / "lm.arpa")
    assert {n: sum(len(gram) == n for gram in probabilities) for n in (1, 2, 3)} == {
        n: len(part) for n, part in enumerate(model.orders, start=1)
    }

    def score(gram: tuple[str, ...]) -> float:
        if gram in probabilities:
            return probabilities[gram]
        return backoffs.get(gram[:-1], 0.0) + score(gram[1:])

    for sentence in product(("the", "cat", "zebra"), repeat=3):
        padded = ("<s>", *(word if (word,) in probabilities else "<unk>" for word in sentence), "</s>")
        wanted = [score(padded[max(0, i - 2) : i + 1]) for i in range(1, len(padded))]
        np.testing.assert_allclose(model.log_probs([sentence])[0], wanted, atol=1e-5)


def dictionaries(path) -> tuple[dict[tuple[str, ...], float], dict[tuple[str, ...], float]]:
    """Probabilities and backoffs of an ARPA file, read as naively as can be."""
    cells = [line.split("\t") for line in path.read_text().splitlines() if "\t" in line]
    probabilities = {tuple(row[1].split()): float(row[0]) for row in cells}
    return probabilities, {tuple(row[1].split()): float(row[2]) for row in cells if len(row) == 3}


def test_discounts():
    assert discounts(np.array([1, 1, 2])) == FALLBACK
    counts = np.array([1] * 50 + [2] * 20 + [3] * 10 + [4] * 6)
    share = 50 / 90
    assert discounts(counts) == pytest.approx(
        (1 - 2 * share * 20 / 50, 2 - 3 * share * 10 / 20, 3 - 4 * share * 6 / 10)
    )


def test_more_context_predicts_its_own_text_better():
    perplexities = [estimate(SENTENCES, order).perplexity(SENTENCES) for order in (1, 2, 3)]
    assert perplexities[0] > perplexities[1] > perplexities[2] > 1


def test_nothing_to_estimate_from():
    with pytest.raises(UserError, match="no text"):
        estimate([[]], 3)
    with pytest.raises(UserError, match="--order 0"):
        estimate(SENTENCES, 0)


@pytest.mark.parametrize("sentences", [[["a"]], [["a", "a"]], [["a"], ["b", "a"]], [["<s>", "</s>", "a"]]])
def test_the_smallest_texts(tmp_path, sentences):
    model = estimate(sentences, 6)
    assert len(model.orders) == max(map(len, sentences)) + 2  # the longest sentence with its boundaries
    model.write_arpa(tmp_path / "lm.arpa")
    assert [len(order) for order in read_arpa(tmp_path / "lm.arpa").orders] == [len(order) for order in model.orders]
    found, known = model.log_probs([["a", "b", "c"], ["a"]])
    assert np.isfinite(found).all() and not known[2]
    assert "<s>" not in model.words[3:]
