"""Splits are drawn by a hash: stable, and never empty where that can be helped."""

import pytest

from asr.corpus.splits import Member, assign_splits, draw_splits, hash_fraction, split_of, split_within

ANNA = 0.813544559  # of blake2b with 8 bytes


def members(speakers: int, each: int = 3, split: str | None = None) -> list[Member]:
    return [
        Member(f"s{speaker}-{number}", f"s{speaker}", split) for speaker in range(speakers) for number in range(each)
    ]


def by_speaker(found: list[Member], **fractions) -> dict[str, set[str]]:
    splits, _ = assign_splits(found, **{"dev_fraction": 0.1, "test_fraction": 0.1} | fractions)
    return {split: {m.speaker for m, s in zip(found, splits, strict=True) if s == split} for split in set(splits)}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *[("train-clean-100", "train"), ("dev_other", "dev"), ("Valid", "dev"), ("validation", "dev"), ("val", "dev")],
        *[("test-clean", "test"), ("eval", "test"), ("validated", None), ("contest", None), ("speaker1", None)],
    ],
)
def test_split_of_a_folder(name, split):
    assert split_of(name) == split


def test_split_within_a_manifest_s_name():
    assert split_within("librispeech_cuts_train-clean.jsonl.gz") == "train"
    assert split_within("manifest_dev") == "dev"
    assert split_within("train_and_test") is None


def test_the_hash_is_the_same_everywhere():
    assert hash_fraction("anna") == pytest.approx(ANNA, abs=1e-9)
    assert hash_fraction("Anna") != hash_fraction("anna")


def test_adding_speakers_and_files_moves_nothing_old():
    before = draw_splits([f"s{n}" for n in range(100)], 0.1, 0.1)
    after = draw_splits([f"s{n}" for n in range(200)] + ["s3"] * 20, 0.1, 0.1)
    assert {unit: after[unit] for unit in before} == before


def test_fractions_are_met():
    counts = list(draw_splits([f"s{n}" for n in range(2000)], 0.1, 0.2).values())
    assert abs(counts.count("dev") - 200) < 50
    assert abs(counts.count("test") - 400) < 60


@pytest.mark.parametrize("speakers", range(3, 12))
def test_small_corpora_have_every_split(speakers):
    splits = by_speaker(members(speakers))
    assert set(splits) == {"train", "dev", "test"}
    assert sum(map(len, splits.values())) == speakers  # disjoint


def test_note_names_the_counts():
    _, note = assign_splits(members(12), 0.1, 0.1)
    assert note.startswith("12 speakers: ")
    assert note.endswith("(by hash of the speaker)")


def test_two_speakers_are_drawn_by_utterance():
    _, note = assign_splits(members(2, each=50), 0.1, 0.1)
    assert note.startswith("100 utterances: ")


def test_given_splits_are_never_touched():
    found = [*members(20, split="train"), Member("t", "t", "test")]
    splits, note = assign_splits(found, 0.1, 0.1)
    assert splits[-1] == "test"
    assert splits[:-1].count("test") == 0
    assert 0 < splits.count("dev") < 30
    assert "test as the source gives it" in note


def test_dev_is_drawn_by_utterance_where_the_source_shares_speakers():
    found = [*members(5, each=20, split="train"), *members(5, each=1, split="test")]
    found = [Member(f"{number}", member.speaker, member.split) for number, member in enumerate(found)]
    assert len(by_speaker(found)["train"]) == 5


def test_the_main_speaker_stays_in_train():
    for name in "abcdefghij":
        found = [Member(f"{name}{n}", name, None) for n in range(90)] + members(5, each=2)
        assert name in by_speaker(found)["train"]


def test_everything_can_be_test():
    assert set(by_speaker(members(5), dev_fraction=0.0, test_fraction=1.0)) == {"test"}
