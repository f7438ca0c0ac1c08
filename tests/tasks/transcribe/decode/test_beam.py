"""The search against enumeration: every path of every small case, scored by definitions that share no code with it."""

import itertools
import math
from collections import defaultdict

import pytest
import torch

from asr.language_model.ngram import estimate
from asr.tasks.transcribe.decode.automaton import hotword_automaton, insertion_automaton, token_ngram
from asr.tasks.transcribe.decode.beam import BeamDecoder
from asr.tasks.transcribe.decode.lexicon import WordNgram
from asr.tasks.transcribe.decode.prefix_search import search
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from asr.tasks.transcribe.text.sentencepiece import SentencePieceTokenizer

TOKENIZER = CharacterTokenizer(" ab")  # ids 1, 2, 3
TEXT = ["a", "ab a", "b ab", "a a b", "ba", "ab ab", "b"]
WHOLE_BEAM = 1000  # more than there are prefixes


def random_case(seed: int, frames: int, vocabulary: int = 4) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(1, frames, vocabulary, generator=random, dtype=torch.float64)).log_softmax(-1)


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(token for token, _ in itertools.groupby(path) if token)


def enumerated(log_probs: torch.Tensor) -> dict[tuple[int, ...], float]:
    """log P of every transcript: the sum over all paths that collapse to it."""
    totals: dict[tuple[int, ...], float] = defaultdict(float)
    frames, vocabulary = log_probs.shape
    for path in itertools.product(range(vocabulary), repeat=frames):
        totals[collapsed(path)] += math.exp(sum(log_probs[t, token].item() for t, token in enumerate(path)))
    return {tokens: math.log(total) for tokens, total in totals.items() if total}


def ranked(log_probs: torch.Tensor, added=lambda tokens: 0.0) -> list[tuple[tuple[int, ...], float]]:
    """Transcripts and scores, the best first; impossible ones are left out."""
    scored = [(tokens, score + added(tokens)) for tokens, score in enumerated(log_probs[0]).items()]
    return sorted((item for item in scored if item[1] > -math.inf), key=lambda item: -item[1])


def found(log_probs: torch.Tensor, scorers=(), beam: int = WHOLE_BEAM) -> list[tuple[tuple[int, ...], float]]:
    candidates = search(log_probs, torch.tensor([log_probs.shape[1]]), scorers, beam, 100, best=WHOLE_BEAM)[0]
    return [(tuple(candidate.tokens), candidate.score) for candidate in candidates]


def assert_same(ours: list, theirs: list) -> None:
    assert len(ours) == len(theirs)
    for (_, score), (_, expected) in zip(ours, theirs, strict=True):
        assert score == pytest.approx(expected, abs=2e-4)
    # Ties may come in any order.
    assert dict(ours) == pytest.approx(dict(theirs), abs=2e-4)


@pytest.mark.parametrize("seed", range(100))
def test_every_transcript_has_the_probability_of_its_paths(seed):
    log_probs = random_case(seed, frames=1 + seed % 6)
    assert_same(found(log_probs), ranked(log_probs))


@pytest.mark.parametrize("seed", range(60))
def test_a_language_model_of_tokens(seed):
    model = estimate([list(text.replace(" ", "▁")) for text in TEXT], order=1 + seed % 4)
    weight, bonus = 0.1 + seed % 3, -0.3
    log_probs = random_case(seed, frames=1 + seed % 6)

    def added(tokens):
        pieces = [TOKENIZER.piece(token) for token in tokens]
        # Nothing said is a sentence of no tokens, of which log_probs, which skips empty sentences, says nothing.
        log10 = model.log_probs([pieces])[0].sum() if pieces else log10_of_the_end(model)
        return weight * log10 * math.log(10) + bonus * len(tokens)

    assert_same(found(log_probs, [token_ngram(model, TOKENIZER).with_weights(weight, bonus)]), ranked(log_probs, added))


def log10_of_the_end(model) -> float:
    """P(</s> | <s>), by the bigram or what it backs off to."""
    end, begin = model.words.index("</s>"), model.words.index("<s>")
    if len(model.orders) > 1:
        for place in range(len(model.orders[1])):
            if (model.orders[1].prefix[place], model.orders[1].word[place]) == (begin, end):
                return model.orders[1].log_prob[place]
        return model.orders[0].backoff[begin] + model.orders[0].log_prob[end]
    return model.orders[0].log_prob[end]


@pytest.mark.parametrize("penalty", [None, 3.0])
@pytest.mark.parametrize("seed", range(60))
def test_a_language_model_of_words(seed, penalty):
    model = estimate([text.split() for text in TEXT], order=1 + seed % 4)
    weight, bonus = 0.1 + seed % 3, 0.7
    log_probs = random_case(seed, frames=1 + seed % 6)

    def added(tokens):
        text = "".join(" " if token == 1 else "ab"[token - 2] for token in tokens)
        words = text.split(" ")
        if words[-1] == "":  # a space may be the last token
            words = words[:-1]
        if "" in words:
            return -math.inf
        unknown = sum(word not in model.words for word in words)
        if unknown and penalty is None:
            return -math.inf
        log10 = model.log_probs([words])[0].sum() if words else log10_of_the_end(model)
        return weight * log10 * math.log(10) + bonus * len(words) - (unknown * penalty if unknown else 0.0)

    scorer = WordNgram(model, TOKENIZER).with_weights(weight, bonus, penalty)
    assert_same(found(log_probs, [scorer]), ranked(log_probs, added))


@pytest.mark.parametrize("seed", range(60))
def test_hotwords(seed):
    phrases = [["ab"], ["a", "a b"], ["a b", "b a"], ["ba", "a", "bb a"]][seed % 4]
    boost = 0.5 + seed % 3
    log_probs = random_case(seed, frames=1 + seed % 6)

    def added(tokens):
        words = "".join(" " if token == 1 else "ab"[token - 2] for token in tokens).split(" ")
        total = 0.0
        for phrase in phrases:
            wanted = phrase.split(" ")
            places = range(len(words) - len(wanted) + 1)
            total += boost * len(phrase) * sum(words[i : i + len(wanted)] == wanted for i in places)
        return total

    assert_same(found(log_probs, [hotword_automaton(phrases, TOKENIZER, boost)]), ranked(log_probs, added))


@pytest.mark.parametrize("seed", range(20))
def test_scorers_add_up(seed):
    log_probs = random_case(seed, frames=5)
    model = estimate([list(text.replace(" ", "▁")) for text in TEXT], order=3)
    once = dict(found(log_probs, [token_ngram(model, TOKENIZER).with_weights(0.7, 0.1)]))
    both = found(log_probs, [token_ngram(model, TOKENIZER).with_weights(0.7, 0.1), insertion_automaton(TOKENIZER, 0.5)])
    assert_same(both, sorted(((t, score + 0.5 * len(t)) for t, score in once.items()), key=lambda item: -item[1]))


def test_a_batch_is_its_utterances():
    lengths = torch.tensor([3, 9, 1, 9, 6, 0])
    log_probs = torch.cat([random_case(seed, frames=9) for seed in range(6)])
    model = estimate([text.split() for text in TEXT], order=3)
    scorers = [WordNgram(model, TOKENIZER).with_weights(0.5, 0.2, 3.0), hotword_automaton(["ab"], TOKENIZER, 0.4)]
    together = search(log_probs, lengths, scorers, 8, 100, best=3)
    for row, length in enumerate(lengths.tolist()):
        alone = search(log_probs[row : row + 1, :length], torch.tensor([length]), scorers, 8, 100, best=3)[0]
        assert [candidate.tokens for candidate in together[row]] == [candidate.tokens for candidate in alone]
        assert [candidate.score for candidate in together[row]] == pytest.approx([c.score for c in alone])


def test_a_narrow_beam_scores_no_better_than_it_is():
    for seed in range(30):
        log_probs = random_case(seed, frames=6)
        true = dict(ranked(log_probs))
        for tokens, score in found(log_probs, beam=3):
            assert score <= true[tokens] + 1e-6


def test_few_tokens_a_frame_leave_out_the_others():
    log_probs = random_case(0, frames=5)
    candidates = search(log_probs, torch.tensor([5]), [], WHOLE_BEAM, 1, best=WHOLE_BEAM)[0]
    likeliest = set((log_probs[0, :, 1:].argmax(-1) + 1).tolist())
    assert candidates and all(set(candidate.tokens) <= likeliest for candidate in candidates)


SUBWORDS = SentencePieceTokenizer.train(["ab ba"] * 20 + ["aab bab"] * 20 + ["abba"] * 5, "bpe", 8)


def spelled(tokens) -> list[str]:
    """The words of subwords, each begun by a piece with ▁."""
    return "".join(SUBWORDS.piece(token) for token in tokens).replace("▁", " ").strip().split(" ") if tokens else []


def canonical(tokens) -> bool:
    """Whether the subwords are those that the tokenizer gives these words, which its lexicon alone holds."""
    return list(tokens) == SUBWORDS.encode(" ".join(spelled(tokens)))


@pytest.mark.parametrize("seed", range(20))
def test_words_and_hotwords_of_subwords(seed):
    texts = ["ab ba", "aab bab ab", "abba"]
    model = estimate([text.split() for text in texts], order=1 + seed % 3)
    log_probs = random_case(seed, frames=4, vocabulary=SUBWORDS.size)
    log_probs[:, :, 1] = -torch.inf  # the unknown piece

    def added(tokens):
        words = spelled(tokens)
        if any(word not in model.words for word in words) or not canonical(tokens):
            return -math.inf
        log10 = model.log_probs([words])[0].sum() if words else log10_of_the_end(model)
        hot = sum(len(SUBWORDS.encode(word)) for word in words if word in ("ab", "abba"))
        return 0.8 * log10 * math.log(10) + 0.5 * len(words) + 0.9 * hot

    scorers = [
        WordNgram(model, SUBWORDS).with_weights(0.8, 0.5, None),
        hotword_automaton(["ab", "abba"], SUBWORDS, 0.9),
    ]
    assert_same(found(log_probs, scorers), ranked(log_probs, added))


def test_where_a_lexicon_leaves_nothing_nothing_is_heard(tmp_path):
    """The one prefix that is kept is the beginning of a word that does not end."""
    estimate([["ab"]], order=1).write_arpa(tmp_path / "lm.arpa")
    decoder = BeamDecoder(TOKENIZER, 1, 100, tmp_path / "lm.arpa", 0.5, 0.0, None, [], 0.0)
    log_probs = torch.full((1, 2, 4), 0.01)
    log_probs[:, :, 2] = 1.0  # a, a
    (hypothesis,) = decoder(log_probs.log(), torch.tensor([2]))
    assert hypothesis.tokens == []
