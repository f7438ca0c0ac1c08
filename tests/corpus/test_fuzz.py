"""Damaged and hostile input to every reader: it is used, rejected by name, or refused in one line, and nothing else.

ASR_FUZZ_EXAMPLES sets how many inputs each form gets.
"""

import gzip
import json
import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lhotse import CutSet

from asr.audio.recording import AudioProblem, load_audio
from asr.corpus.readers import (
    audformat,
    cutset,
    folder,
    kaldi,
    librispeech,
    nemo,
    segments,
    shar,
    tables,
    vctk,
    voxceleb,
)
from asr.corpus.shards.index import shards_at
from asr.corpus.shards.packing import shard
from asr.corpus.shards.streaming import streamed_corpus
from asr.errors import UserError
from asr.tasks.transcribe.text.target import TranscriptTarget
from tests.corpus.recordings import RATE, corpus, record, tone, write_lines
from tests.corpus.test_readers import cut_of
from tests.corpus.test_segment_files import LONG_TEXTGRID

EXAMPLES = int(os.environ.get("ASR_FUZZ_EXAMPLES", "40"))
ROOM = 3 * 2**30  # bytes of address space that reading a damaged input of a few kB may take, at the most
HOSTILE = (  # pieces that formats trip over
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r", b"\n", b"\t", b" ", b"|", b'"', b"'", b",", b";"),
    *(b"../../../etc/passwd", b"/dev/zero", b"/dev/stdin", b"~", b"touch ran |", b"pipe:touch ran", b"$(touch ran)"),
    *(b"NaN", b"Infinity", b"-1", b"1e999", b"9" * 400, b"0", b"null", b"[]", b"{}", b"[" * 3000, b"true", b"\\ud800"),
    *(b"-->", b"<v>", b"[1]:", b"a" * 5000, "ä".encode("latin1"), "\u202e\u0000".encode(), b"%s%n", b";;"),
)
EXTREMES = (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\x00\x00\x00")


@st.composite
def damage(draw, pieces=HOSTILE + EXTREMES) -> Callable[[bytes], bytes]:
    """A function that cuts off, drops, doubles, overwrites or inserts bytes, one to four times."""
    edits = draw(
        st.lists(
            st.tuples(
                st.sampled_from(("cut", "drop", "double", "put", "insert", "replace")),
                st.floats(0, 1),
                st.integers(1, 40),
                st.one_of(st.sampled_from(pieces), st.binary(min_size=1, max_size=8)),
            ),
            min_size=1,
            max_size=4,
        )
    )

    def apply(content: bytes) -> bytes:
        for how, where, size, piece in edits:
            at = int(where * len(content))
            before, after = content[:at], content[at:]
            content = {
                "cut": before,
                "drop": before + after[size:],
                "double": before + after[:size] + after,
                "put": before + piece + after[len(piece) :],
                "insert": before + piece + after,
                "replace": before + piece + after[size:],
            }[how]
        return content

    return apply


def kaldi_folder(root: Path) -> None:
    record(root / "a.wav")
    write_lines(root / "wav.scp", f"u1 {root / 'a.wav'}", "u2 a.wav")
    write_lines(root / "text", "u1 good morning", "u2 good evening")
    write_lines(root / "utt2spk", "u1 anna", "u2 ben")
    write_lines(root / "segments", "u1 u1 0.0 0.25", "u2 u2 0.1 -1")
    write_lines(root / "spk2gender", "anna f", "ben m")


def plain_folder(root: Path) -> None:
    for name in ("one", "two"):
        record(root / "anna" / f"{name}.wav")
        (root / "anna" / f"{name}.txt").write_text(f"say {name}", encoding="utf-8")


def librispeech_folder(root: Path) -> None:
    record(root / "train-x" / "1" / "2" / "1-2-0000.flac")
    write_lines(root / "train-x" / "1" / "2" / "1-2.trans.txt", "1-2-0000 HELLO THERE", "1-2-0001 GONE")


def table_folder(root: Path) -> None:
    record(root / "audio" / "a.wav")
    write_lines(root / "metadata.csv", "file,text,speaker,split", 'audio/a.wav,"Yes, it is",anna,train', "b,c,d,test")


def nemo_folder(root: Path) -> None:
    record(root / "a.wav", tone(2.0))
    entry = {"audio_filepath": "a.wav", "text": "hello", "duration": 0.5, "offset": 1.0, "speaker": 7}
    write_lines(root / "train.jsonl", entry, {**entry, "offset": 0, "duration": None})


def cutset_folder(root: Path) -> None:
    path = record(root / "a.wav", tone(2.0))
    cuts = [cut_of(path, "whole"), cut_of(path, "part", start=0.5, duration=1.0)]
    (root / "cuts.jsonl").write_text("".join(json.dumps(cut.to_dict()) + "\n" for cut in cuts))


def shar_folder(root: Path) -> None:
    path = record(root / "a.wav", tone(0.5))
    cuts = CutSet.from_cuts([cut_of(path, "whole"), cut_of(path, "other")])
    cuts.to_shar(root, fields={"recording": "flac"}, shard_size=2)
    path.unlink()


def segments_folder(root: Path) -> None:
    record(root / "x.wav", tone(4.0))
    (root / "x.TextGrid").write_text(LONG_TEXTGRID, encoding="utf-8")
    (root / "x.srt").write_text("1\n00:00:01,500 --> 00:00:02,250\n<i>Good</i> day\n", encoding="utf-8")
    (root / "x.stm").write_text("x 1 ana 0.50 2.25 <o,f0,female> so good\n", encoding="utf-8")
    (root / "x.ctm").write_text("x 1 1.0 0.3 good 0.9\nx 1 1.3 0.4 day 0.8\n", encoding="utf-8")


def audformat_folder(root: Path) -> None:
    record(root / "a.wav", tone(2.0))
    columns = "{speaker: {scheme_id: who}, transcription: {}}"
    header = "schemes: {who: {labels: {1: {age: 30}}}}", "splits: {test: {type: test}}", "tables:"
    write_lines(root / "db.yaml", *header, f"  turns: {{type: segmented, split_id: test, columns: {columns}}}")
    rows = "a.wav,0 days,0 days 00:00:01,1,hello", "a.wav,0 days 00:00:01.5,NaT,1,there"
    write_lines(root / "db.turns.csv", "file,start,end,speaker,transcription", *rows)


def vctk_folder(root: Path) -> None:
    record(root / "wav48" / "p225" / "p225_001.wav")
    write_lines(root / "txt" / "p225" / "p225_001.txt", "Please call Stella.")
    write_lines(root / "speaker-info.txt", "ID  AGE  GENDER  ACCENTS", "p225  23  F    English    Southern  England")


def voxceleb_folder(root: Path) -> None:
    record(root / "wav" / "id10001" / "x" / "00001.wav")
    write_lines(root / "iden_split.txt", "1 id10001/x/00001.wav")
    write_lines(root / "vox1_meta.csv", "VoxCeleb1 ID\tGender\tNationality", "id10001\tm\tIreland")


FORMS = {  # how a small corpus is made, who reads it, and which of its files are damaged
    "kaldi": (kaldi_folder, kaldi.read, ("wav.scp", "text", "utt2spk", "segments", "spk2gender")),
    "folder": (plain_folder, folder.read, ("anna/one.txt", "anna/two.txt")),
    "librispeech": (librispeech_folder, librispeech.read, ("train-x/1/2/1-2.trans.txt",)),
    "tables": (table_folder, tables.read, ("metadata.csv",)),
    "nemo": (nemo_folder, nemo.read, ("train.jsonl",)),
    "cutset": (cutset_folder, cutset.read, ("cuts.jsonl",)),
    "audformat": (audformat_folder, audformat.read, ("db.yaml", "db.turns.csv")),
    "vctk": (vctk_folder, vctk.read, ("speaker-info.txt", "txt/p225/p225_001.txt")),
    "voxceleb": (voxceleb_folder, voxceleb.read, ("iden_split.txt", "vox1_meta.csv")),
    "segments": (segments_folder, segments.read, ("x.TextGrid", "x.srt", "x.stm", "x.ctm")),
    "shar": (shar_folder, shar.read, ("cuts.000000.jsonl.gz", "recording.000000.tar")),
}


@contextmanager
def bounded_memory() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_AS)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def everything_in(root: Path) -> set[Path]:
    return {path.relative_to(root) for path in root.rglob("*")}


def read_through(read: Callable, root: Path) -> None:
    """What any training does first; nothing may come out but a corpus or a UserError."""
    with suppress(UserError):
        corpus(read(root), sample_rate=RATE, cache_gib=0.1)


@pytest.fixture(scope="module", params=FORMS)
def form(request, tmp_path_factory):
    make, read, damaged = FORMS[request.param]
    root = tmp_path_factory.mktemp("fuzz") / request.param
    root.mkdir()
    make(root)
    return root, read, {name: (root / name).read_bytes() for name in damaged}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory in use is read from /proc")
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), change=damage(), within=st.booleans())
def test_a_damaged_corpus_is_told_or_survived(form, data, change, within):
    root, read, intact = form
    name = data.draw(st.sampled_from(sorted(intact)))
    whole = not (name.endswith(".gz") and within)  # else what is compressed is damaged, not the compression
    content = change(intact[name]) if whole else gzip.compress(change(gzip.decompress(intact[name])))
    before = everything_in(root)
    try:
        (root / name).write_bytes(content)
        with bounded_memory():
            read_through(read, root)
        assert everything_in(root) == before
        assert not Path("ran").exists()
    finally:
        (root / name).write_bytes(intact[name])


SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".au", ".w64", ".caf")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> dict[str, bytes]:
    made = tmp_path_factory.mktemp("audio")
    samples = (0.2 * np.sin(np.arange(4000) / 5)).astype(np.float32)
    for suffix in SUFFIXES:
        how = {"format": "OGG", "subtype": "OPUS"} if suffix == ".opus" else {}
        soundfile.write(made / f"x{suffix}", samples, RATE, **how)
    return {suffix: (made / f"x{suffix}").read_bytes() for suffix in SUFFIXES}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory in use is read from /proc")
@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(change=damage(), at_the_head=st.booleans())
def test_a_damaged_recording_is_told_or_read(recordings, suffix, change, at_the_head):
    content = recordings[suffix]
    content = change(content[:64]) + content[64:] if at_the_head else change(content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{suffix}"
        path.write_bytes(content)
        with bounded_memory(), suppress(AudioProblem):
            audio = load_audio(path, sample_rate=RATE)
            assert np.isfinite(audio.samples).all()


@pytest.fixture(scope="module")
def sharded(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("sharded")
    for number in range(12):
        record(root / "speech" / f"s{number}" / "x.wav", tone(0.3))
        (root / "speech" / f"s{number}" / "x.txt").write_text(f"text {number}")
    shard(
        folder.read(root / "speech"),
        root / "shards",
        target_of=TranscriptTarget(str.lower),
        sample_rate=None,
        dev_fraction=0.1,
        test_fraction=0.1,
        max_utterance_seconds=30.0,
        form="flac",
        size=4,
        on_progress=lambda done, total: None,
    )
    return root / "shards"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory in use is read from /proc")
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), change=damage())
def test_damaged_shards_are_told_or_survived(sharded, tmp_path_factory, data, change):
    names = sorted(path.relative_to(sharded) for path in sharded.rglob("*") if path.is_file())
    name = data.draw(st.sampled_from([each for each in names if "train" not in each.parts and each.suffix != ".txt"]))
    copy = tmp_path_factory.mktemp("copy") / "shards"
    shutil.copytree(sharded, copy)
    try:
        (copy / name).write_bytes(change((sharded / name).read_bytes()))
        before = everything_in(copy)
        with bounded_memory(), suppress(UserError):
            streamed_corpus([shards_at(str(copy))], [None], TranscriptTarget(str.lower), None)
        assert everything_in(copy) == before
    finally:
        shutil.rmtree(copy.parent)
