"""asr prepare: clean manifests of every corpus, whatever stands in the way."""

import gzip
import json
import os
from pathlib import Path

import pytest

from asr.corpus.prepare import manifests
from asr.corpus.readers.detect import read_any
from asr.writing import zipped_file
from tests.commands import run, train
from tests.corpus.recordings import pair, record, tone, write_lines
from tests.corpus.test_real_corpora import folder
from tests.killing import content, kill_and_go_on

REAL = {  # corpus: (folder below ASR_TEST_DATA, utterances that are prepared, options)
    "librispeech": ("fixtures/LibriSpeech", {"test": 4}, []),
    "speechocean762": ("speechocean762", {"train": 2220, "dev": 280, "test": 1250}, []),
    "fsdd": ("fsdd", {"train": 2435, "dev": 265, "test": 300}, []),
    "yesno": ("yesno", {"train": 29, "dev": 1, "test": 30}, []),
    "emodb": ("emodb", {"train": 259, "dev": 41, "test": 39}, []),
    "ravdess": ("ravdess", {"train": 600, "dev": 60, "test": 60}, []),
}


def counts(target: Path) -> dict[str, int]:
    splits = json.loads((target / "prepared.json").read_text())["splits"]
    return {split: found["utterances"] for split, found in splits.items()}


def rejected_lines(target: Path) -> list[dict]:
    return [json.loads(line) for line in (target / "rejected.jsonl").read_text().splitlines()]


def small_corpus(folder: Path) -> Path:
    for speaker in "abcd":
        for number in range(4):
            pair(folder / speaker, f"{number}", f"Text {speaker} {number}", tone(0.4 + 0.1 * number))
    return folder


def test_what_is_prepared_is_what_is_read(tmp_path):
    source, target = small_corpus(tmp_path / "source"), tmp_path / "target"
    (source / "a" / "0.txt").write_text("")
    (source / "a" / "1.wav").write_bytes(b"no audio at all")
    record(source / "b" / "0.wav", tone(0.5, rate=8000), rate=8000)
    done = run("asr", "prepare", "default", source, target)
    assert done.status == 0, done.err
    assert "cannot be used: 2, see" in done.err
    assert sum(counts(target).values()) == 14
    assert not manifests.partial_folder(target).exists()
    reasons = {line["id"]: line["reason"] for line in rejected_lines(target)}
    assert reasons == {"a/0": "transcript_empty", "a/1": "audio_unreadable"}
    before = {u.id: (u.text, u.speaker, u.audio) for u in read_any(source) if u.id not in reasons}
    reading = read_any(target)
    assert "read as cutset" in reading.note
    assert {u.id: (u.text, u.speaker, u.audio) for u in reading} == before
    trained = train(target, tmp_path / "run")
    assert trained.status == 0, trained.err


def test_again_it_is_left_alone_and_another_is_refused(tmp_path):
    source, target = small_corpus(tmp_path / "source"), tmp_path / "target"
    assert run("asr", "prepare", "default", source, target).status == 0
    first = content(target)
    again = run("asr", "prepare", "default", source, target)
    assert (again.status, content(target)) == (0, first)
    assert "prepared already" in again.err
    assert "holds default of" in run("asr", "prepare", "default", source, target, "data.dev_fraction=0.3").error
    assert "is no prepared corpus" in run("asr", "prepare", "default", source, source).error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["librispech", ".", "x"], "librispech: no such corpus; did you mean librispeech?"),
        (["fsdd", "nowhere", "x"], "nowhere: no such file or folder"),
        (["fsdd", "{empty}", "x"], "holds no recordings named <digit>_<speaker>_<index>.wav"),
        (["librispeech", "{empty}", "x"], "lhotse's recipe for librispeech does not take it"),
        (
            ["librispeech", "{empty}", "x", "parts=1"],
            "parts=1: librispeech has no such option; it takes alignments_dir",
        ),
        (["iwslt22_ta", "{empty}", "x"], "this corpus also needs splits=…"),
        (["fsdd"], "asr prepare takes CORPUS SOURCE TARGET"),
        (["fsdd", ".", "x", "data.dev_fracton=1"], "did you mean data.dev_fraction?"),
    ],
)
def test_what_is_asked_wrongly_is_told(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    given = [argument.replace("{empty}", str(tmp_path / "empty")) for argument in arguments]
    assert message in run("asr", "prepare", *given).error
    assert not (tmp_path / "x").exists()


def test_the_list_has_ours_and_lhotses():
    shown = run("asr", "prepare", "--list").err
    for corpus in ("speechocean762", "commonvoice", "ljspeech", "emodb", "aishell", "tedlium", "librispeech"):
        assert corpus in shown


@pytest.mark.parametrize("corpus", REAL)
def test_real_corpora(tmp_path, corpus):
    below, expected, options = REAL[corpus]
    source = folder(below)
    done = run("asr", "prepare", corpus, source, tmp_path / "target", *options)
    assert done.status == 0, done.err
    found = counts(tmp_path / "target")
    assert sum(found.values()) == len(list(read_any(tmp_path / "target")))
    assert found == expected


def test_ljspeech(tmp_path):
    storage = folder("fixtures/lhotse/ljspeech/storage")
    source = tmp_path / "LJSpeech-1.1"
    (source / "wavs").mkdir(parents=True)
    for path in sorted(storage.glob("*.wav")):
        (source / "wavs" / path.name).write_bytes(path.read_bytes())
    lines = [f"{path.stem}|Dr. {path.stem}|Doctor {path.stem}" for path in sorted(storage.glob("*.wav"))]
    write_lines(source / "metadata.csv", *lines)
    done = run("asr", "prepare", "ljspeech", source, tmp_path / "target", "data.dev_fraction=0", "data.test_fraction=0")
    assert done.status == 0, done.err
    assert counts(tmp_path / "target") == {"train": 2}
    assert {u.text for u in read_any(tmp_path / "target")} == {"Doctor LJ002-0020", "Doctor LJ002-0035"}


def test_killed_at_random_moments_and_continued_it_is_the_same(tmp_path):
    source = small_corpus(tmp_path / "source")
    for number in range(600):
        os.link(source / "a" / "0.wav", source / "c" / f"copy{number}.wav")
        os.link(source / "a" / "0.txt", source / "c" / f"copy{number}.txt")
    assert run("asr", "prepare", "default", source, tmp_path / "whole").status == 0
    slow = (  # parts of eight utterances, each of which takes its time
        "import time, asr.configuration.compose, asr.corpus.readers.detect\n"
        "from asr.corpus.prepare import lhotse_recipes, manifests\n"
        "manifests.PART = 8; line = manifests._line\n"
        "manifests._line = lambda utterance: (time.sleep(0.008), line(utterance))[1]\n"
    )
    kill_and_go_on(tmp_path / "whole", slow, "prepare", "default", source, tmp_path / "target")


def test_the_bytes_do_not_depend_on_the_time_of_day(tmp_path):
    for name, mtime in (("one", 1), ("two", 2)):
        path = tmp_path / f"{name}.jsonl.gz"
        with zipped_file(path) as stream:
            stream.write(b"{}\n")
        os.utime(path, (mtime, mtime))
    assert (tmp_path / "one.jsonl.gz").read_bytes() == (tmp_path / "two.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.jsonl.gz").read_bytes()) == b"{}\n"
