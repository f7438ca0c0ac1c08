import json
import random

import jiwer
import numpy as np
import pytest

from asr.errors import UserError
from asr.tasks.transcribe.scoring.wer import character_error_rate, characters_as_words, score, word_error_rate

# reference, hypothesis, words, substitutions, deletions, insertions; characters and their errors, counted by hand
BY_HAND = [
    ("the cat sat", "the cat sat", 3, 0, 0, 0, 11, 0),
    ("the cat sat", "the cat", 3, 0, 1, 0, 11, 4),  # the space goes with the word
    ("the cat sat", "the bat sat", 3, 1, 0, 0, 11, 1),
    ("the cat sat", "the cat is sat", 3, 0, 0, 1, 11, 3),
    ("the cat sat", "", 3, 0, 3, 0, 11, 11),
    ("", "uh", 0, 0, 0, 1, 0, 2),
    ("ab", "a b", 1, 1, 0, 1, 2, 1),
    ("größe", "grösse", 1, 1, 0, 0, 5, 2),
    ("你好世界", "你世界", 1, 1, 0, 0, 4, 1),
]


def sentences(utterances: int, seed: int = 0) -> tuple[list[str], list[str]]:
    draw = random.Random(seed)
    vocabulary = ["ein", "zwei", "drei", "vier", "שלום", "ähm"]
    references = [" ".join(draw.choices(vocabulary, k=draw.randint(1, 9))) for _ in range(utterances)]
    hypotheses = [
        " ".join(draw.choice(vocabulary) if draw.random() < 0.3 else w for w in r.split()) for r in references
    ]
    return references, hypotheses


def test_counted_by_hand():
    references, hypotheses, *columns = zip(*BY_HAND, strict=True)
    words, substitutions, deletions, insertions, characters, character_errors = map(sum, columns)
    result = score(references, hypotheses)
    assert (result.words, result.characters, result.utterances) == (words, characters, len(BY_HAND))
    assert (result.substitutions, result.deletions, result.insertions) == (substitutions, deletions, insertions)
    assert result.wer == pytest.approx((substitutions + deletions + insertions) / words)
    assert result.cer == pytest.approx(character_errors / characters)
    assert result.per_utterance_wer == pytest.approx(
        [(s + d + i) / max(n, 1) for n, s, d, i in zip(*columns[:4], strict=True)]
    )


@pytest.mark.parametrize(("reference", "hypothesis", "words", "s", "d", "i", "characters", "errors"), BY_HAND)
def test_each_by_hand(reference, hypothesis, words, s, d, i, characters, errors):
    # Together with a perfect utterance, since one without words has no rate of its own.
    result = score([reference, "right"], [hypothesis, "right"])
    assert (result.words, result.substitutions, result.deletions, result.insertions) == (words + 1, s, d, i)
    character_errors = result.character_substitutions + result.character_deletions + result.character_insertions
    assert (result.characters, character_errors) == (characters + 5, errors)


def test_characters_as_words():
    assert characters_as_words("ein ja") == "e i n ␣ j a" and characters_as_words("") == ""
    for references, hypotheses in (sentences(200), list(zip(*[row[:2] for row in BY_HAND], strict=True))):
        speakers = [f"speaker {place % 5}" for place in range(len(references))]
        spelt = [list(map(characters_as_words, texts)) for texts in (references, hypotheses)]
        as_words, result = score(*spelt, speakers), score(references, hypotheses, speakers)
        assert as_words.wer == result.cer == character_error_rate(references, hypotheses) != result.wer
        assert as_words.words == result.characters
        assert as_words.wer_ci95 == result.cer_ci95 != result.wer_ci95


def test_same_as_jiwer():
    references, hypotheses = sentences(200)
    result = score(references, hypotheses)
    assert result.wer == jiwer.wer(references, hypotheses) == word_error_rate(references, hypotheses)
    assert result.cer == jiwer.cer(references, hypotheses) == character_error_rate(references, hypotheses)
    assert result.per_utterance_wer == pytest.approx(
        [jiwer.wer(r, h) for r, h in zip(references, hypotheses, strict=True)]
    )


def test_as_dict_is_json_without_the_utterances():
    metrics = json.loads(json.dumps(score(["a b"], ["a c"]).as_dict()))
    assert metrics["wer"] == 0.5 and metrics["wer_ci95"] == [0.5, 0.5]
    assert {"cer", "words", "characters", "substitutions", "deletions", "insertions", "utterances"} <= metrics.keys()
    assert "per_utterance_wer" not in metrics


def test_interval_is_deterministic_and_holds_the_rate():
    references, hypotheses = sentences(100)
    first, again = score(references, hypotheses, seed=3), score(references, hypotheses, seed=3)
    assert first.wer_ci95 == again.wer_ci95 != score(references, hypotheses, seed=4).wer_ci95
    assert first.wer_ci95[0] < first.wer < first.wer_ci95[1]
    assert (first.interval_over, first.interval_units) == ("utterances", 100)


def test_interval_covers_the_truth():
    """Of many test sets drawn with a known error rate, about 95 % of the intervals hold it."""
    random_state, truth, covered, trials = np.random.default_rng(0), 0.2, 0, 200
    for trial in range(trials):
        wrong = random_state.random((60, 10)) < truth
        hypotheses = [" ".join("x" if w else "a" for w in row) for row in wrong]
        low, high = score(["a " * 9 + "a"] * 60, hypotheses, seed=trial, resamples=300).wer_ci95
        covered += low <= truth <= high
    assert 0.89 <= covered / trials <= 0.99


def test_speakers_widen_the_interval():
    # Half of the speakers are always understood, half never: utterances are no independent evidence.
    references = ["a b c d"] * 200
    hypotheses = ["a b c d"] * 100 + ["x y z w"] * 100
    by_speaker = score(references, hypotheses, groups=[f"speaker{i // 20}" for i in range(200)])
    by_utterance = score(references, hypotheses)
    width = by_speaker.wer_ci95[1] - by_speaker.wer_ci95[0]
    assert width > 2 * (by_utterance.wer_ci95[1] - by_utterance.wer_ci95[0])
    assert (by_speaker.interval_over, by_speaker.interval_units) == ("speakers", 10)


@pytest.mark.parametrize("groups", [["one"] * 50, [None] * 50, None])
def test_without_two_speakers_utterances_are_resampled(groups):
    references, hypotheses = sentences(50)
    assert score(references, hypotheses, groups) == score(references, hypotheses)


def test_an_unknown_speaker_is_one_of_its_own():
    references, hypotheses = sentences(5)
    assert score(references, hypotheses, ["a", "a", None, None, "b"]).interval_units == 4


def test_nothing_to_score():
    with pytest.raises(UserError, match="empty"):
        score([], [])
    with pytest.raises(UserError, match="no reference"):
        score([""], ["word"])
    with pytest.raises(ValueError, match="same length"):
        score(["a"], ["a"], groups=[])
