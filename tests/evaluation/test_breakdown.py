import numpy as np
import pytest

from asr.evaluation.breakdown import UtteranceRates, binned, breakdown, grouped
from asr.tasks.transcribe.scoring.measurement import word_errors_of
from asr.tasks.transcribe.scoring.wer import score


def lines(count: int, **about) -> list[dict]:
    """Utterances of two words by speakers who have four each; one in four is of the other gender."""
    return [
        {
            "speaker": f"s{i // 4}",
            "duration": 1 + i / 10,
            "loudness_db": -20.0 - i % 3,
            "snr_db": 60.0,
            "about": {"gender": "f" if i % 16 < 4 else "m", **{key: value(i) for key, value in about.items()}},
        }
        for i in range(count)
    ]


def test_cells_by_hand():
    """Eight of 32 are female; of their 16 words, every second is wrong, and no word of the others."""
    spoken = lines(32)
    heard = ["a x" if line["about"]["gender"] == "f" else "a b" for line in spoken]
    found = breakdown(spoken, word_errors_of(score(["a b"] * 32, heard, [line["speaker"] for line in spoken])), seed=0)
    assert list(found) == ["duration", "loudness", "gender"]  # the noise is the same throughout
    female, male = found["gender"]
    assert {"value": "f", "utterances": 8, "words": 16, "speakers": 2, "wer": 0.5}.items() <= female.items()
    assert {"value": "m", "utterances": 24, "words": 48, "speakers": 6, "wer": 0.0}.items() <= male.items()
    assert male["wer_ci95"] == [0.0, pytest.approx(3 / 48, rel=0.1)]
    assert [each["value"] for each in found["duration"]] == [
        "1.0 to 1.7 s",
        "1.8 to 2.5 s",
        "2.6 to 3.3 s",
        "3.4 to 4.1 s",
    ]
    assert [each["value"] for each in found["loudness"]] == ["−22 dB", "−21 dB", "−20 dB"]
    for cells in found.values():
        assert sum(each["utterances"] for each in cells) == 32
        assert sum(each["words"] for each in cells) == 64


def test_values_in_order_and_the_unknown_last():
    assert [name for name, _ in grouped(["b", None, "10", "9", "a", ""])] == ["9", "10", "a", "b", "unknown"]
    many = [name for name, _ in grouped([*map(str, range(40)), "old", None])]
    assert many == ["0 to 9", "10 to 19", "20 to 29", "30 to 39", "old", "unknown"]
    assert grouped([f"sentence {i}" for i in range(40)]) == []


def test_one_utterance_has_no_interval():
    spoken = lines(9, take=lambda i: "1" if i else "2")
    found = breakdown(spoken, word_errors_of(score(["a b"] * 9, ["a b"] * 9)), seed=0)["take"]
    assert ["wer_ci95" in each for each in found] == [True, False]


def test_what_has_no_words_has_no_rate():
    spoken = lines(9, take=lambda i: "1" if i else "2")
    found = breakdown(spoken, word_errors_of(score(["", *["a b"] * 8], ["a"] * 9)), seed=0)
    assert "take" not in found


@pytest.mark.parametrize("values", [[], [1.0] * 7, [None] * 20, [float("nan")] * 20])
def test_too_few_numbers_for_bins(values):
    assert binned(values, "s") == []


def test_bins_hold_every_number_once():
    random = np.random.default_rng(0)
    for _ in range(50):
        numbers = random.choice([1.0, 2.5, 2.51, 60.0, -3.0], random.integers(8, 40)).tolist()
        rows = np.concatenate([rows for _, rows in binned(numbers, "dB")])
        assert sorted(rows) == list(range(len(numbers)))


def test_a_rate_of_what_is_right():
    """Of eight female utterances half are right, of the 24 others all."""
    spoken = lines(32)
    wrong = np.array([i % 2 if line["about"]["gender"] == "f" else 0 for i, line in enumerate(spoken)])
    rates = UtteranceRates("accuracy", "utterances", wrong, np.ones(32), of_right=True)
    female, male = breakdown(spoken, rates, seed=0)["gender"]
    assert (female["accuracy"], female["utterances"], male["accuracy"]) == (0.5, 8, 1.0)
    assert male["accuracy_ci95"] == [pytest.approx(0.05 ** (1 / 24)), 1.0]
    assert 0 <= female["accuracy_ci95"][0] < 0.5 < female["accuracy_ci95"][1] < 1
