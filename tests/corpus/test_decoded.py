"""data.cache_dir: what is mapped from disk is what was decoded, by later runs too, and damage is noticed."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asr.corpus import decoded
from asr.corpus.cuts import load_samples
from asr.corpus.readers.detect import read_any
from asr.errors import UserError
from tests.commands import train
from tests.corpus.recordings import corpus, noise, pair, record


@pytest.fixture
def source(tmp_path) -> Path:
    """16-bit and float recordings, one at another rate, one in stereo, one that is no audio."""
    folder = tmp_path / "speech"
    for number in range(12):
        pair(folder / f"s{number % 4}", f"{number}", f"Text {number}", noise(0.4 + 0.03 * number)[number:])
    record(folder / "s1" / "1.wav", noise(0.5), subtype="FLOAT")
    record(folder / "s2" / "2.wav", noise(0.5, 8000), rate=8000)
    record(folder / "s3" / "3.wav", np.stack([noise(0.5), -0.5 * noise(0.5)], axis=1))
    (folder / "s0" / "4.wav").write_bytes(b"no audio at all")
    return folder


def read(source: Path, cache: Path | None, cache_gib: float = 0.0):
    return corpus(read_any(source), cache_gib=cache_gib, cache_dir=None if cache is None else str(cache))


def never(*_):
    raise AssertionError("decoded again")


def assert_same(found, expected) -> None:
    assert found.rejected == expected.rejected
    for split, cuts in expected.splits.items():
        assert [cut.to_dict() for cut in found.splits[split]] == [cut.to_dict() for cut in cuts]
    assert found.audio.keys() == expected.audio.keys()
    for name, samples in expected.audio.items():
        assert found.audio[name].dtype == samples.dtype
        np.testing.assert_array_equal(found.audio[name], samples)


def test_a_later_run_reads_what_an_earlier_one_decoded(source, tmp_path, monkeypatch):
    expected = read(source, None, cache_gib=1.0)
    assert len(expected.rejected) == 1
    assert {samples.dtype for samples in expected.audio.values()} == {np.dtype(np.int16), np.dtype(np.float32)}
    first = read(source, tmp_path / "cache")
    assert any("decoded audio is kept in" in note for note in first.notes)
    assert_same(first, expected)
    monkeypatch.setattr(decoded, "check_all", never)
    for cache_gib in (0.0, 1.0):
        later = read(source, tmp_path / "cache", cache_gib)
        assert any("decoded audio is read from" in note for note in later.notes)
        assert_same(later, expected)
        cuts = [cut for part in later.splits.values() for cut in part]
        assert {later.in_memory(cut) for cut in cuts} == {cache_gib > 0}
        np.testing.assert_allclose(load_samples(cuts[0]), samples_of(later, cuts[0]), atol=1e-6)


def samples_of(found, cut):
    samples = found.audio[cut.id]
    return samples / 32768 if samples.dtype == np.int16 else samples


def touch(source: Path) -> None:
    os.utime(source / "s1" / "5.wav", (1, 1))


def mend(source: Path) -> None:
    pair(source / "s0", "4", "Text 4", noise(0.7))


def rewrite(source: Path) -> None:
    (source / "s1" / "5.txt").write_text("another text")


@pytest.mark.parametrize("change", [touch, mend, rewrite])
def test_a_corpus_that_has_changed_is_decoded_anew(source, tmp_path, change):
    read(source, tmp_path / "cache")
    change(source)
    assert_same(read(source, tmp_path / "cache"), read(source, None, cache_gib=1.0))
    assert len(list((tmp_path / "cache").iterdir())) == 2


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


DAMAGE: list[Callable[[Path], object]] = [flip, Path.unlink, lambda path: os.truncate(path, path.stat().st_size // 2)]


@pytest.mark.parametrize("name", [decoded.SAMPLES, decoded.OUTCOMES, decoded.DIGESTS])
@pytest.mark.parametrize("damage", DAMAGE, ids=["flipped", "gone", "cut off"])
def test_damage_is_mended(source, tmp_path, name, damage):
    read(source, tmp_path / "cache")
    (folder,) = (tmp_path / "cache").iterdir()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    damage(folder / name)
    found = read(source, tmp_path / "cache")
    assert_same(found, read(source, None, cache_gib=1.0))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    said = any("which was damaged; it is mended" in note for note in found.notes)
    assert said == (name != decoded.DIGESTS or damage is not Path.unlink)


def test_a_cache_that_cannot_be_made(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"data.cache_dir: .*file: Not a directory; name a folder"):
        read(source, tmp_path / "file")


def test_training_from_it_with_a_worker(tones, tmp_path):
    done = train(tones, tmp_path / "run", "data.cache_gib=0", f"data.cache_dir={tmp_path / 'cache'}", "data.workers=1")
    assert done.status == 0, done.err
    assert "decoded audio is kept in" in done.err
