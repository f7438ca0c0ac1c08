"""Features against torchaudio, alone and in batches, at several sample rates, with garbage in the padding."""

import pytest
import torch
import torchaudio
from hydra.utils import instantiate

from asr.configuration.compose import load_configuration
from asr.configuration.search_path import CONF

FEATURES = sorted(path.stem for path in (CONF / "features").glob("*.yaml"))
NORMALIZATIONS = sorted(path.stem for path in (CONF / "features" / "normalization").glob("*.yaml"))
LENGTHS = torch.tensor([7001, 4000, 1234, 160])  # samples


def build(name: str, sample_rate: int = 16000, *overrides: str):
    return instantiate(load_configuration("train", [f"features={name}", *overrides]).features, sample_rate=sample_rate)


def waveforms() -> torch.Tensor:
    return 0.1 * torch.randn(len(LENGTHS), int(LENGTHS.max()), generator=torch.Generator().manual_seed(0))


def with_padding(x: torch.Tensor, value: float) -> torch.Tensor:
    return x.masked_fill(torch.arange(x.shape[1]) >= LENGTHS.unsqueeze(1), value)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100])
@pytest.mark.parametrize("name", FEATURES)
def test_width_lengths_and_hop(name, sample_rate):
    features = build(name, sample_rate)
    frames, lengths = features(waveforms(), LENGTHS)
    assert frames.shape == (len(LENGTHS), int(lengths.max()), features.dim)
    assert lengths.tolist() == features.frames_of(LENGTHS).tolist()
    assert features.hop_s == pytest.approx(0.01, rel=0.01)
    assert torch.isfinite(frames).all()


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("garbage", [1e3, float("nan")])
@pytest.mark.parametrize("name", FEATURES)
def test_padding_changes_nothing_and_comes_out_as_zero(name, garbage, normalization):
    features = build(name, 16000, f"features/normalization={normalization}")
    frames, lengths = features(with_padding(waveforms(), garbage), LENGTHS)
    for row, samples in enumerate(LENGTHS.tolist()):
        alone, count = features(waveforms()[row : row + 1, :samples], LENGTHS[row : row + 1])
        assert int(count) == int(lengths[row])
        torch.testing.assert_close(frames[row, : int(count)], alone[0], rtol=1e-3, atol=1e-3)
        assert (frames[row, int(count) :] == 0).all()


@pytest.mark.parametrize("overrides", [(), ("features.deltas=2",)], ids=["plain", "deltas"])
def test_mfcc_is_torchaudios(overrides):
    features = build("mfcc", 16000, "features/normalization=none", *overrides)
    wave = waveforms()[:1]
    reference = torchaudio.transforms.MFCC(
        16000,
        n_mfcc=20,
        log_mels=True,
        melkwargs={"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40, "pad_mode": "constant"},
    )(wave)
    if overrides:
        first = torchaudio.functional.compute_deltas(reference)
        reference = torch.cat([reference, first, torchaudio.functional.compute_deltas(first)], dim=1)
    torch.testing.assert_close(features(wave, LENGTHS[:1])[0], reference.transpose(1, 2), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "transform"),
    [
        ("log_mel", torchaudio.transforms.MelSpectrogram(16000, 512, 400, 160, n_mels=80, pad_mode="constant")),
        ("spectrogram", torchaudio.transforms.Spectrogram(512, 400, 160, pad_mode="constant")),
    ],
)
def test_log_power_is_torchaudios(name, transform):
    features = build(name, 16000, "features/normalization=none")
    wave = waveforms()[:1]
    reference = (transform(wave) + 1e-6).log().transpose(1, 2)
    torch.testing.assert_close(features(wave, LENGTHS[:1])[0], reference, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", FEATURES)
def test_utterance_normalization_gives_mean_zero_and_deviation_one(name):
    frames, lengths = build(name)(waveforms(), LENGTHS)
    for row, count in enumerate(lengths[:3].tolist()):
        assert frames[row, :count].mean(0).abs().max() < 1e-3
        deviation = frames[row, :count].std(0, unbiased=False)
        torch.testing.assert_close(deviation, torch.ones_like(deviation), rtol=0.02, atol=0.02)


def test_corpus_normalization_is_fitted_to_the_frames_that_are_real_and_saved():
    features = build("log_mel", 16000, "features/normalization=corpus")
    features.normalization.fit([features.raw(with_padding(waveforms(), 0.0), LENGTHS)])
    frames, lengths = features(waveforms(), LENGTHS)
    real = torch.cat([frames[row, :count] for row, count in enumerate(lengths.tolist())])
    assert real.mean(0).abs().max() < 1e-3
    assert real.std(0).sub(1).abs().max() < 0.05
    assert {"normalization.mean", "normalization.deviation"} <= set(features.state_dict())


def test_digital_silence_stays_finite():
    for name in FEATURES:
        frames, _ = build(name)(torch.zeros(1, 4000), torch.tensor([4000]))
        assert torch.isfinite(frames).all()
