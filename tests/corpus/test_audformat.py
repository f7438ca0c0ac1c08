"""audformat databases: files and segments, labels that stand for more, split tables, and tables that are not text."""

import pytest
import yaml

from asr.corpus.readers import audformat
from asr.corpus.readers.detect import read_any
from asr.errors import UserError
from tests.corpus.recordings import record, tone, write_lines

HEADER = {
    "name": "voices",
    "splits": {"test": {"type": "test"}, "fit": {"type": "train"}},
    "schemes": {
        "emotion": {"dtype": "str", "labels": ["anger", "neutral"]},
        "speaker": {"dtype": "int", "labels": {3: {"gender": "male", "age": 31}, 8: {"gender": "female", "age": 34}}},
        "transcription": {"dtype": "str", "labels": {"a01": "Der Lappen", "a02": "Das will sie"}},
        "room": {"dtype": "str", "labels": "rooms"},
    },
    "tables": {
        "emotion": {"type": "filewise", "columns": {"emotion": {"scheme_id": "emotion"}, "emotion.confidence": {}}},
        "emotion.test": {"type": "filewise", "split_id": "test", "columns": {"emotion": {"scheme_id": "emotion"}}},
        "emotion.fit": {"type": "filewise", "split_id": "fit", "columns": {"emotion": {"scheme_id": "emotion"}}},
        "files": {
            "type": "filewise",
            "columns": {
                **{name: {"scheme_id": name} for name in ("speaker", "transcription", "room")},
                "duration": {},
            },
        },
    },
    "misc_tables": {"rooms": {"levels": {"room": "str"}, "columns": {"size": {}}}},
}


@pytest.fixture
def database(tmp_path):
    for name in ("wav/a.wav", "wav/b.wav"):
        record(tmp_path / name, tone(2.0))
    (tmp_path / "db.yaml").write_text(yaml.safe_dump(HEADER))
    write_lines(tmp_path / "db.emotion.csv", "file,emotion,emotion.confidence", "wav/a.wav,anger,0.9", "wav/b.wav,,")
    write_lines(tmp_path / "db.emotion.test.csv", "file,emotion", "wav/a.wav,anger")
    write_lines(tmp_path / "db.emotion.fit.csv", "file,emotion", "wav/b.wav,neutral")
    rows = "wav/a.wav,3,a01,lab,0 days 00:00:02", "wav/b.wav,8,a02,hall,0 days 00:00:02"
    write_lines(tmp_path / "db.files.csv", "file,speaker,transcription,room,duration", *rows)
    write_lines(tmp_path / "db.rooms.csv", "room,size", "lab,small", "hall,large")
    return tmp_path


def test_files_with_what_all_tables_say_of_them(database):
    reading = read_any(database)
    assert "read as audformat," in reading.note and reading.note.endswith("; 4 tables")
    a, b = reading
    assert (a.id, a.audio, a.text, a.speaker, a.split) == ("wav/a", database / "wav/a.wav", "Der Lappen", "3", "test")
    assert a.about == {
        **{"emotion": "anger", "emotion.confidence": "0.9", "gender": "m", "age": "31"},
        **{"sentence": "a01", "room": "lab", "size": "small"},
    }
    assert (b.speaker, b.split, b.about["emotion"], b.about["gender"]) == ("8", "train", "neutral", "f")
    assert (a.start, a.duration) == (0.0, None)


def test_segments_take_over_what_is_known_of_their_file(database):
    header = {**HEADER, "tables": HEADER["tables"] | {"turns": {"type": "segmented", "columns": {"mood": {}}}}}
    (database / "db.yaml").write_text(yaml.safe_dump(header))
    turns = (
        "wav/a.wav,0 days 00:00:00,0 days 00:00:00.500000,up",
        "wav/a.wav,0 days 00:00:01.250000,NaT,down",
        "wav/a.wav,0 days 00:00:01,0 days 00:00:00.5,backwards",
    )
    write_lines(database / "db.turns.csv", "file,start,end,mood", *turns)
    reading = read_any(database)
    assert reading.note.endswith("5 tables; 1 files without a segment are left out")
    first, last, wrong = reading
    assert (first.id, first.start, first.duration, first.about["mood"]) == ("wav/a-00000000-00000500", 0.0, 0.5, "up")
    assert (last.id, last.start, last.duration) == ("wav/a-00001250", 1.25, None)
    assert {utterance.about["emotion"] for utterance in reading} == {"anger"}
    assert (wrong.rejection.reason, first.split) == ("manifest_line", "test")


@pytest.mark.parametrize(("other", "message"), [("db.files.parquet", "parquet is not read"), ("x", "no db.files.csv")])
def test_a_table_that_is_not_text(database, other, message):
    (database / "db.files.csv").rename(database / other)
    with pytest.raises(UserError, match=rf'{message}.*storage_format="csv"'):
        audformat.read(database)


@pytest.mark.parametrize("header", ["tables: [1", "tables: 3", "!!python/object/apply:os.system [true]\ntables: {}"])
def test_a_header_that_is_none(database, header):
    (database / "db.yaml").write_text(header)
    with pytest.raises(UserError, match=r"db\.yaml: not the header"):
        audformat.read(database)
