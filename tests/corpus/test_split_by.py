"""Splits by a column, by text or at random, and outer folds: what is held out by a unit is not in train."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest

from asr.corpus.folds import with_fold_as_dev
from asr.corpus.reading import DataSettings, read_corpus
from asr.corpus.splits import divide_evenly
from asr.corpus.utterance import SPLITS, Utterance
from asr.errors import UserError
from asr.screen import console
from tests.corpus.recordings import corpus, record, tone

SPEAKERS = [f"s{number}" for number in range(6)]
SENTENCES = [f"a{number:02d}" for number in range(8)]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory) -> list[Utterance]:
    """Every speaker says every sentence; those of the last two sentences are called test by the source."""
    audio = record(tmp_path_factory.mktemp("spoken") / "a.wav", tone(0.3))
    return [
        Utterance(f"{who}-{what}", audio, f"Text  {what}!", who, about={"sentence": what, "session": f"{who}-1"})
        for who in SPEAKERS
        for what in SENTENCES
    ]


def given(spoken: list[Utterance]) -> list[Utterance]:
    return [replace(each, split="test" if each.id.endswith(("a06", "a07")) else "train") for each in spoken]


def values(loaded, column: str) -> dict[str, set[str]]:
    of = {"speaker": lambda said: said.speaker, "text": lambda said: said.text}
    known = of.get(column, lambda said: said.custom[column])
    return {split: {known(cut.supervisions[0]) for cut in loaded.splits[split]} for split in SPLITS}


def apart(found: dict[str, set[str]]) -> bool:
    return sum(map(len, found.values())) == len(set.union(*found.values())) and all(found.values())


@pytest.mark.parametrize("column", ["sentence", "text", "speaker", "session"])
def test_no_two_splits_share_what_they_are_drawn_by(spoken, column):
    loaded = corpus(spoken, split_by=column)
    assert apart(values(loaded, column))
    assert sum(len(loaded.splits[split]) for split in SPLITS) == 48
    assert loaded.split_by == column and f"(by hash of the {column})" in loaded.divided


def test_held_out_sentences_are_of_speakers_in_train(spoken):
    loaded = corpus(spoken, split_by="sentence", by_speaker=False)
    assert values(loaded, "speaker")["test"] == values(loaded, "speaker")["train"] == set(SPEAKERS)
    assert loaded.divided == "8 values of sentence: 6 train, 1 dev, 1 test (by hash of the sentence)"


def test_texts_are_compared_by_their_words(spoken):
    twins = [Utterance(f"{each.id}-loud", each.audio, each.text.upper(), each.speaker) for each in spoken]
    assert apart(values(corpus([*spoken, *twins], split_by="text"), "text"))


def test_splits_of_the_source_stay(spoken):
    loaded = corpus(given(spoken), split_by="speaker")
    assert {cut.id[-3:] for cut in loaded.splits["test"]} == {"a06", "a07"}
    assert not values(loaded, "speaker")["train"] & values(loaded, "speaker")["dev"]
    assert "test as the source gives it" in loaded.divided


def test_a_random_split_says_what_it_leaks(spoken):
    loaded = corpus(given(spoken), split_by="random", test_fraction=0.3)
    assert "the splits of the source (36 train, 12 test) are not used" in loaded.notes
    named = []
    for column in ("speaker", "session", "text"):
        found = values(loaded, column)
        named.append(f"{len(found['test'] & found['train'])} of {len(found['test'])} {column}s")
    assert f"a random split: {', '.join(named)} of test are in train too" in loaded.notes
    assert loaded.divided.startswith("48 utterances: ")


def test_a_test_split_alone_is_the_same(spoken):
    """As evaluate.py reads it again."""
    for how in ({"split_by": "sentence"}, {"split_by": "random"}, {"test_folds": 3, "test_fold": 2}):
        whole, alone = corpus(given(spoken), **how), corpus(given(spoken), splits=["test"], **how)
        assert [cut.id for cut in whole.splits["test"]] == [cut.id for cut in alone.splits["test"]]
        assert not len(alone.splits["train"]) and set(alone.audio) == {cut.id for cut in alone.splits["test"]}


@pytest.mark.parametrize(("how", "column", "folds"), [({}, "speaker", 6), ({"split_by": "sentence"}, "sentence", 4)])
def test_every_utterance_is_test_once(spoken, how, column, folds):
    parts = [corpus(given(spoken), test_folds=folds, test_fold=fold, **how) for fold in range(1, folds + 1)]
    assert Counter(cut.id for part in parts for cut in part.splits["test"]) == Counter(each.id for each in spoken)
    assert {len(part.splits["test"]) for part in parts} == {48 // folds}
    for number, part in enumerate(parts, start=1):
        assert apart(values(part, column))
        assert part.divided.startswith(f"test is part {number} of {folds} by {column}: ")
    assert "of the others 4 train, 1 dev (by hash of the speaker)" in parts[0].divided or column != "speaker"


def test_two_folds_of_two_sentences_leave_dev_to_utterances(spoken):
    two = [each for each in spoken if each.about["sentence"] in SENTENCES[:2]]
    loaded = corpus(two, split_by="sentence", test_folds=2, test_fold=1)
    found = values(loaded, "sentence")
    assert found["test"].isdisjoint(found["train"]) and found["dev"] == found["train"]
    assert loaded.divided.endswith("; dev out of train by utterance, no unit being left for it")


def test_folds_within_the_outer_ones(spoken):
    outer = corpus(spoken, test_folds=3, test_fold=1, split_by="sentence")
    inner = with_fold_as_dev(outer, 2, 1)
    assert apart(values(inner, "sentence"))
    assert [cut.id for cut in inner.splits["test"]] == [cut.id for cut in outer.splits["test"]]
    assert "then fold 1 of 2 by sentence: " in inner.divided


def test_parts_are_even():
    seconds = {"a": 5.0, "b": 3.0, "c": 3.0, "d": 1.0}
    parts = divide_evenly(seconds, 2)
    assert sorted(sum(seconds[unit] for unit in part) for part in parts) == [6.0, 6.0]
    assert divide_evenly(seconds, 5) is None


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            {"split_by": "sentense"},
            "data.split_by=sentense: no utterance has it; did you mean sentence.; there are random,",
        ),
        ({"test_folds": 7}, "data.test_folds=7: the corpus has 6 speakers, and each part needs one"),
        ({"test_folds": 9, "split_by": "sentence"}, "data.test_folds=9: the corpus has 8 values of sentence"),
        ({"test_folds": 3, "test_fold": 4}, "data.test_fold=4: is to be from 1 to data.test_folds=3"),
        ({"test_folds": 1}, "data.test_folds 2 or more"),
    ],
)
def test_divisions_that_cannot_be(spoken, how, message):
    with pytest.raises(UserError, match=message):
        corpus(spoken, **how)


def test_one_value_holds_nothing_out(spoken):
    with pytest.raises(UserError, match="1 value of sentence in 6 utterances are too few to hold some out as test"):
        corpus([each for each in spoken if each.about["sentence"] == "a00"], split_by="sentence")


@pytest.mark.parametrize("key", ["split_by", "test_folds"])
def test_shards_have_their_splits(tmp_path, key):
    settings = dict.fromkeys(DataSettings.__dataclass_fields__) | {key: 3}
    sharded = SimpleNamespace(**settings | {"shards": ([], [])})
    with pytest.raises(UserError, match=rf"data\.{key}: a corpus that is streamed from shards has its splits"):
        read_corpus(sharded, str, True, console(), tmp_path / "rejected.jsonl")
