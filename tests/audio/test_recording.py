"""Every kind of bad audio is told apart, and good audio comes out mono at the wanted rate."""

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio.recording import AudioProblem, load_audio, resample, resampled_length
from tests.corpus.recordings import RATE, noise, record, tone


def problem_of(path: Path, **how) -> AudioProblem:
    with pytest.raises(AudioProblem) as caught:
        load_audio(path, **how)
    assert caught.value.detail
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("suffix", [".wav", ".WAV", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".au", ".w64", ".caf"])
def test_decodes(tmp_path, suffix):
    audio = load_audio(record(tmp_path / f"x{suffix}", noise(), **({"format": "WAV"} if suffix == ".WAV" else {})))
    assert audio.samples.dtype == np.float32
    assert (audio.sample_rate, audio.original_rate, audio.channels) == (RATE, RATE, 1)
    assert abs(len(audio.samples) - 3 * RATE) < 0.1 * RATE


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff"])
def test_truncated(tmp_path, suffix, kept):
    path = record(tmp_path / f"x{suffix}", noise())
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    problem = problem_of(path)
    assert problem.reason == "audio_truncated"
    assert "again" in problem.remedy


def test_ogg_cut_at_a_page_has_no_end_of_stream(tmp_path):
    path = record(tmp_path / "x.ogg", noise())
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b"OggS")])
    assert "end-of-stream" in problem_of(path).detail


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF - 36])
def test_wav_from_a_stream_has_a_placeholder_for_its_length(tmp_path, size):
    path = record(tmp_path / "x.wav", tone(1.0))
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = content[4:8] = struct.pack("<I", size)
    path.write_bytes(content)
    assert len(load_audio(path).samples) == RATE


def test_flac_from_a_stream_leaves_its_length_open(tmp_path):
    path = record(tmp_path / "x.flac", tone(1.0))
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # STREAMINFO: 36 bits of total samples
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert len(load_audio(path).samples) == RATE


def test_a_problem_crosses_processes():
    problem = AudioProblem("audio_empty", "no samples", "record it again")
    found = pickle.loads(pickle.dumps(problem))
    assert (found.reason, found.detail, found.remedy) == ("audio_empty", "no samples", "record it again")
    assert str(found) == str(problem)


def test_missing_and_unreadable(tmp_path):
    assert problem_of(tmp_path / "x.wav").reason == "audio_missing"
    path = tmp_path / "x.m4a"
    path.write_bytes(b"certainly not audio" * 100)
    problem = problem_of(path)
    assert problem.reason == "audio_unreadable"
    assert "ffmpeg -i x.m4a x.flac" in problem.remedy
    (tmp_path / "folder.wav").mkdir()
    assert problem_of(tmp_path / "folder.wav").reason == "audio_unreadable"


def test_empty(tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(b"")
    assert "0 bytes" in problem_of(path).detail
    record(path, np.zeros(0, np.float32))
    problem = problem_of(path)
    assert (problem.reason, problem.detail) == ("audio_empty", "the recording has no samples")


@pytest.mark.parametrize("samples", [np.zeros(RATE), np.full(RATE, 0.25), 5e-5 * np.sin(np.arange(RATE))])
def test_silent(tmp_path, samples):
    assert problem_of(record(tmp_path / "x.wav", samples, subtype="FLOAT")).reason == "audio_silent"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite(tmp_path, bad):
    samples = tone()
    samples[7] = bad
    problem = problem_of(record(tmp_path / "x.wav", samples, subtype="FLOAT"))
    assert problem.reason == "audio_not_finite"
    assert problem.detail.startswith("1 samples")


def test_float_wav_keeps_its_values(tmp_path):
    path = record(tmp_path / "x.wav", 3 * tone(), subtype="FLOAT")
    assert np.array_equal(load_audio(path).samples, 3 * tone())


def test_stereo_is_averaged_unless_a_channel_is_asked_for(tmp_path):
    left, right = tone(pitch=200), tone(pitch=300)
    path = record(tmp_path / "x.wav", np.stack([left, right], axis=1), subtype="FLOAT")
    np.testing.assert_allclose(load_audio(path).samples, (left + right) / 2, atol=1e-7)
    np.testing.assert_array_equal(load_audio(path, channel=1).samples, right)
    assert load_audio(path).channels == 2
    assert "channel 2" in problem_of(path, channel=2).detail


def test_part_of_a_recording(tmp_path):
    path = record(tmp_path / "x.wav", noise(), subtype="FLOAT")
    part = load_audio(path, start=1.0, duration=0.5).samples
    np.testing.assert_array_equal(part, noise()[RATE : RATE + RATE // 2])
    problem = problem_of(path, start=2.5, duration=1.0)
    assert problem.reason == "audio_truncated"
    assert "2.50-3.50 s is asked for, it ends at 3.00 s" in problem.detail


@pytest.mark.parametrize(("rate", "wanted"), [(8000, 16000), (44100, 16000), (16000, 8000), (22050, 16000)])
def test_resampling_keeps_pitch_and_length(tmp_path, rate, wanted):
    path = record(tmp_path / "x.wav", tone(1.0, pitch=440, rate=rate), rate=rate, subtype="FLOAT")
    samples = load_audio(path, wanted).samples
    assert len(samples) == wanted
    assert np.abs(np.fft.rfft(samples)).argmax() == 440


def test_resampled_length_is_lhotse_s():
    from lhotse.utils import compute_num_samples

    for num_samples in range(1000, 1100):
        assert resampled_length(num_samples, 11025, 16000) == compute_num_samples(num_samples / 11025, 16000)
    assert len(resample(np.zeros(1001, np.float32), 11025, 16000)) == resampled_length(1001, 11025, 16000)


def test_recording_in_an_archive(tmp_path):
    path = record(tmp_path / "x.flac")
    content = path.read_bytes()
    archive = tmp_path / "archive"
    archive.write_bytes(b"before" + content + b"after")
    samples = load_audio(archive, byte_range=(6, len(content))).samples
    np.testing.assert_array_equal(samples, soundfile.read(path, dtype="float32")[0])


def test_rates_without_a_common_divisor_take_no_gigabytes():
    samples = np.sin(2 * np.pi * 440 * np.arange(16001) / 16001).astype(np.float32)
    found = resample(samples, 16001, 16000)
    expected = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert len(found) == 16000
    assert np.corrcoef(found, expected)[0, 1] > 0.99


@pytest.mark.parametrize("rate", [1, 900, 2_000_000_000])
def test_a_sample_rate_that_no_recording_has(rate, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(100, 0.1), rate)
    with pytest.raises(AudioProblem, match=f"its header says {rate} samples"):
        load_audio(tmp_path / "a.wav")
