from asr.tasks.transcribe.scoring.confusions import align_words
from asr.tasks.transcribe.scoring.rare_words import rare_words


def test_recall_of_rare_words():
    alignments = align_words(["the cat sat the end", "dodo"], ["the bat sat a end uh", ""])
    found = rare_words(alignments, {"the": 500, "cat": 1, "sat": 5, "end": 2}, ["s", None], seed=0)
    assert found == [
        {"seen": "0", "words": 1, "recall": 0.0},
        {"seen": "1", "words": 1, "recall": 0.0},
        {"seen": "2–5", "words": 2, "recall": 1.0},
        {"seen": "over 100", "words": 2, "recall": 0.5},
    ]


def test_recall_has_an_interval_over_speakers():
    alignments = align_words(["a b"] * 40, ["a b", "a x"] * 20)
    (found,) = rare_words(alignments, {"a": 1, "b": 1}, [f"s{i % 8}" for i in range(40)], seed=0)
    low, high = found["recall_ci95"]
    assert found["recall"] == 0.75
    assert 0.4 < low < 0.75 < high <= 1
