"""Augmentation: every file in conf/augment/, alone and together, in training only, repeated by the seed."""

import numpy as np
import pytest
import soundfile
import torch
from hydra.utils import instantiate

from asr.configuration.compose import load_configuration
from asr.configuration.search_path import CONF
from asr.errors import UserError
from asr.model.augment import Augmentation, Noise, SpecAugment

RATE = 16000
LENGTHS = torch.tensor([16000, 9000])
CHOICES = sorted(path.stem for path in (CONF / "augment").glob("*.yaml"))


@pytest.fixture
def recordings(tmp_path):
    random = np.random.default_rng(0)
    response = np.zeros(2000, np.float32)
    response[[100, 600, 1500]] = 1.0, 0.5, 0.25
    soundfile.write(tmp_path / "response.wav", response, RATE)
    soundfile.write(tmp_path / "noise.wav", random.normal(0, 0.1, 8000).astype(np.float32), 8000)
    return tmp_path


def build(recordings, *names: str) -> Augmentation:
    folders = [f"augment.{name}.folder={recordings}" for name in ("noise", "reverberation") if name in names]
    config = load_configuration("train", [f"augment=[{','.join(names)}]", *folders])
    return Augmentation({name: instantiate(part, sample_rate=RATE) for name, part in config.augment.items()})


def waveforms() -> torch.Tensor:
    waves = torch.sin(torch.arange(16000) * 0.2).repeat(2, 1) * 0.3
    return waves.masked_fill(torch.arange(16000) >= LENGTHS.unsqueeze(1), 0.0)


def run(augment: Augmentation, seed: int = 0):
    torch.manual_seed(seed)
    wave, lengths = augment.waveform(waveforms(), LENGTHS)
    frames, counts = augment.frames(torch.randn(2, 50, 30), torch.tensor([50, 30]))
    return wave, lengths, frames, counts


@pytest.mark.parametrize("names", [(name,) for name in CHOICES] + [tuple(n for n in CHOICES if n != "none")])
def test_alone_and_together(recordings, names):
    augment = build(recordings, *names)
    wave, lengths, frames, counts = run(augment)
    assert wave.shape[0] == 2
    assert (lengths <= wave.shape[1]).all()
    assert torch.isfinite(wave).all()
    assert torch.isfinite(frames).all()
    assert all(torch.equal(a, b) for a, b in zip(run(augment), (wave, lengths, frames, counts), strict=True))
    if names != ("none",):
        others = [run(augment, seed) for seed in range(1, 9)]
        assert any(
            o[0].shape != wave.shape or not torch.equal(o[0], wave) or not torch.equal(o[2], frames) for o in others
        )


@pytest.mark.parametrize("names", [(name,) for name in CHOICES])
def test_nothing_outside_training(recordings, names):
    wave, lengths, frames, _ = run(build(recordings, *names).eval())
    torch.manual_seed(0)
    assert torch.equal(wave, waveforms())
    assert torch.equal(lengths, LENGTHS)
    assert (frames != 0).all()


def test_noise_has_the_ratio_that_was_asked_for():
    noise = Noise(RATE, None, 10, 10, 1.0)
    torch.manual_seed(0)
    noisy, _ = noise(waveforms(), LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        clean = waveforms()[row, :length]
        added = noisy[row, :length] - clean
        ratio_db = 10 * torch.log10(clean.square().sum() / added.square().sum())
        assert float(ratio_db) == pytest.approx(10, abs=0.2)


def test_speed_changes_the_length_by_its_factor(recordings):
    config = load_configuration("train", ["augment=[speed]", "augment.speed.factors=[0.8]"])
    wave, lengths = instantiate(config.augment.speed, sample_rate=RATE)(waveforms(), LENGTHS)
    assert lengths.tolist() == pytest.approx((LENGTHS / 0.8).tolist(), abs=2)
    assert wave.shape[1] == int(lengths.max())


def test_reverberation_keeps_energy_and_onset(recordings):
    config = load_configuration(
        "train",
        [
            "augment=[reverberation]",
            f"augment.reverberation.folder={recordings}",
            "augment.reverberation.probability=1",
        ],
    )
    wet, lengths = instantiate(config.augment.reverberation, sample_rate=RATE)(waveforms(), LENGTHS)
    assert torch.equal(lengths, LENGTHS)
    torch.testing.assert_close(wet.norm(dim=1), waveforms().norm(dim=1), rtol=1e-3, atol=1e-3)
    assert (wet[1, 9000:] == 0).all()


def test_specaugment_hides_at_most_what_it_may():
    part = SpecAugment(RATE, time_masks=2, time_share=0.1, frequency_masks=1, frequency_share=0.2)
    lengths = torch.tensor([100, 40])
    for seed in range(20):
        torch.manual_seed(seed)
        frames, _ = part(torch.ones(2, 100, 50), lengths)
        hidden_frames = (frames == 0).all(2).sum(1)
        hidden_bins = (frames == 0).all(1).sum(1)
        assert (hidden_frames <= 0.2 * lengths + 2).all()
        assert (hidden_bins <= 0.2 * 50 + 1).all()


def test_a_folder_without_recordings_is_named(tmp_path):
    with pytest.raises(UserError, match=r"augment\.noise\.folder"):
        Noise(RATE, str(tmp_path), 5, 20, 1.0)


def test_speed_is_not_rounded_to_16_bit_floats():
    """Under bf16 autocast the resampled waveform must be what it is without."""
    config = load_configuration("train", ["augment=[speed]", "augment.speed.factors=[0.9]"])
    augment = Augmentation({"speed": instantiate(config.augment.speed, sample_rate=RATE)})
    exact, _ = augment.waveform(waveforms(), LENGTHS)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast, _ = augment.waveform(waveforms(), LENGTHS)
    assert torch.equal(exact, under_autocast)
