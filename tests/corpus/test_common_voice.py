"""A language of Common Voice as it is downloaded: every table that lies in its folder, clips as MP3 at 32 kHz."""

from pathlib import Path

import pytest

from asr.corpus.readers.detect import read_any
from tests.commands import run
from tests.corpus.recordings import corpus, record, tone, write_lines

COLUMNS = (
    *("client_id", "path", "sentence_id", "sentence", "sentence_domain", "up_votes", "down_votes"),
    *("age", "gender", "accents", "variant", "locale", "segment"),
)
SPLITS = {"train": 8, "dev": 2, "test": 2}
SENTENCES = (
    '"Quoted from its first to its last word."',
    'She said: "wait',  # a quote that is never closed
    "It's 5 o'clock | or 6, or 7; who knows?",
    'Two ""doubled"" ones',
    "Ümläute – and a dash",
)


def row(number: int, sentence: str) -> str:
    cells = {
        "client_id": f"{number % 12:064x}",
        "path": f"common_voice_en_{number}.mp3",
        "sentence_id": f"{number:032x}",
        "sentence": sentence,
        "up_votes": "2",
        "down_votes": "0",
        "age": "twenties" if number % 2 else "",
        "gender": "female_feminine" if number % 2 else "",
        "locale": "en",
    }
    return "\t".join(cells.get(column, "") for column in COLUMNS)


@pytest.fixture(scope="module")
def language(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cv-corpus-20.0-2024-12-06") / "en"
    header, number, all_rows = "\t".join(COLUMNS), 0, []
    for split, count in SPLITS.items():
        rows = [row(number + i, SENTENCES[(number + i) % len(SENTENCES)]) for i in range(count)]
        write_lines(folder / f"{split}.tsv", header, *rows)
        number, all_rows = number + count, all_rows + rows
    write_lines(folder / "validated.tsv", header, *all_rows, row(100, "Validated, and in no split"))
    write_lines(folder / "other.tsv", header, row(101, "Nobody has listened"))
    write_lines(folder / "invalidated.tsv", header, row(102, "Something else is said"))
    write_lines(folder / "reported.tsv", "sentence_id\tsentence\tlocale\treason", "ab\tToo hard\ten\tdifficult")
    write_lines(folder / "clip_durations.tsv", "clip\tduration[ms]", "common_voice_en_0.mp3\t600")
    write_lines(folder / "validated_sentences.tsv", "sentence_id\tsentence\tsource", "ab\tToo hard\tme")
    write_lines(folder / "unvalidated_sentences.tsv", "sentence_id\tsentence\tsource", "cd\tNot read yet\tme")
    for clip in [*range(1, number), 100, 101, 102]:  # of the first, no clip came along
        record(folder / "clips" / f"common_voice_en_{clip}.mp3", tone(0.6, 200 + 20 * clip, 32000), 32000)
    return folder


def test_its_splits_are_taken_as_they_are_written(language):
    found = list(read_any(language))
    assert {split: sum(each.split == split for each in found) for split in SPLITS} == SPLITS
    assert len(found) == sum(SPLITS.values())
    for number, utterance in enumerate(found_in_order(found)):
        assert utterance.text == SENTENCES[number % len(SENTENCES)]
        assert utterance.speaker == f"{number:064x}"
        assert utterance.audio == language / "clips" / f"common_voice_en_{number}.mp3"


def found_in_order(utterances):
    return sorted(utterances, key=lambda utterance: int(utterance.id.rpartition("_")[2]))


def test_a_missing_clip_is_named(language):
    loaded = corpus(read_any(language), sample_rate=16000)
    (missing,) = loaded.rejected
    assert (missing.id, missing.reason, missing.split) == ("common_voice_en_0", "audio_missing", "train")
    assert missing.audio == str(language / "clips" / "common_voice_en_0.mp3")
    assert [len(loaded.splits[split]) for split in SPLITS] == [7, 2, 2]
    assert "resampled from 32000 to 16000" in " ".join(loaded.notes)


def test_without_its_splits_what_is_validated_is_taken(language, tmp_path):
    for name in ("validated.tsv", "other.tsv", "invalidated.tsv", "reported.tsv", "clip_durations.tsv", "clips"):
        (tmp_path / name).symlink_to(language / name)
    found = list(read_any(tmp_path))
    assert len(found) == sum(SPLITS.values()) + 1
    assert {each.split for each in found} == {None}


def test_prepared_by_name(language, tmp_path):
    done = run("asr", "prepare", "commonvoice", language, tmp_path / "target")
    assert done.status == 0, done.err
    assert "cannot be used: 1, see" in done.err
    found = {each.id: each.text for each in read_any(tmp_path / "target")}
    assert len(found) == sum(SPLITS.values()) - 1
    assert found["common_voice_en_1"] == SENTENCES[1]
