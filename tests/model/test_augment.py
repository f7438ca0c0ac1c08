"""Augmentation: every file in conf/augment/, alone and together, in training only, repeated by the seed."""

import numpy as np
import pytest
import soundfile
import torch
from hydra.utils import instantiate

from asr.configuration.compose import load_configuration
from asr.configuration.search_path import CONF
from asr.errors import UserError
from asr.model.augment import Augmentation, Noise, SpecAugment, TimeShift

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
    noise = Noise(RATE, 10, 10, 1.0)
    torch.manual_seed(0)
    noisy, _ = noise(waveforms(), LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        clean = waveforms()[row, :length]
        added = noisy[row, :length] - clean
        ratio_db = 10 * torch.log10(clean.square().sum() / added.square().sum())
        assert float(ratio_db) == pytest.approx(10, abs=0.2)


def test_white_noise_has_the_same_level_at_all_frequencies():
    """Brown noise, which augment=noise may draw, falls by 6 dB an octave."""
    low_and_high = []
    for fall_db, overrides in ((0, ["augment=[white_noise]", "augment.white_noise.probability=1"]), (6, None)):
        torch.manual_seed(0)
        part = Noise(RATE, 0, 0, 1.0, fall_db=fall_db)
        if overrides:
            part = instantiate(load_configuration("train", overrides).augment.white_noise, sample_rate=RATE)
        added = part(torch.ones(8, RATE), torch.full((8,), RATE))[0] - 1
        power = torch.fft.rfft(added).abs().square().mean(0)
        low_and_high.append(float(10 * (power[100:1000].mean() / power[7000:].mean()).log10()))
    assert abs(low_and_high[0]) < 0.3
    assert low_and_high[1] > 3


@pytest.mark.parametrize("fill", ["zeros", "wrapped"])
def test_time_shift_moves_each_utterance_within_its_own_length(fill):
    numbers = torch.arange(1.0, 101.0).repeat(40, 1)
    lengths = torch.tensor([100, 60] * 20)
    torch.manual_seed(0)
    shifted, counts = TimeShift(RATE, 0.25, fill)(
        numbers.masked_fill(numbers > lengths.unsqueeze(1), torch.nan), lengths
    )
    assert torch.equal(counts, lengths)
    shifts = set()
    for row, length in zip(shifted, lengths.tolist(), strict=True):
        shift = int(row.argmax()) + 1 - int(row.max())  # where the last sample is that is left, and where it was
        shift = (shift + length // 2) % length - length // 2
        expected = torch.arange(1.0, length + 1).roll(shift)
        if fill == "zeros":
            expected[: max(0, shift)] = 0
            expected[length + min(0, shift) :] = 0
        assert torch.equal(row[:length], expected)
        assert (row[length:] == 0).all()
        shifts.add(shift / length)
    assert min(shifts) < -0.15 and max(shifts) > 0.15
    assert len(shifts) > 20 and max(map(abs, shifts)) <= 0.25


def test_time_shift_names_a_wrong_fill():
    with pytest.raises(UserError, match=r"augment\.time_shift\.fill=ones: zeros or wrapped"):
        TimeShift(RATE, 0.1, "ones")


@pytest.mark.parametrize("name", ["noise", "white_noise", "time_shift"])
def test_what_is_in_the_padding_stays_there(recordings, name):
    augment = build(recordings, name)
    garbage = waveforms().masked_fill(torch.arange(16000) >= LENGTHS.unsqueeze(1), 100.0)
    for seed in range(3):
        torch.manual_seed(seed)
        clean, _ = augment.waveform(waveforms(), LENGTHS)
        torch.manual_seed(seed)
        other, _ = augment.waveform(garbage, LENGTHS)
        torch.testing.assert_close(other[1, :9000], clean[1, :9000])


def test_only_the_chosen_utterances_are_changed(recordings):
    """Beside slower ones, which are longer, the others stay as they are, with zeros behind them."""
    config = load_configuration("train", ["augment=[speed,specaugment]", "augment.speed.factors=[0.8]"])
    augment = Augmentation({name: instantiate(part, sample_rate=RATE) for name, part in config.augment.items()})
    chosen = torch.tensor([True, False])
    slower, lengths = augment.waveform(waveforms(), LENGTHS, chosen)
    assert lengths.tolist() == [20000, 9000]
    assert slower.shape == (2, 20000)
    assert torch.equal(slower[1, :16000], waveforms()[1]) and (slower[1, 16000:] == 0).all()
    alone, _ = augment.waveform(waveforms()[:1], LENGTHS[:1])
    torch.testing.assert_close(slower[:1], alone)
    frames, _ = augment.frames(torch.ones(2, 50, 30), torch.tensor([50, 30]), chosen)
    assert (frames[0] == 0).any() and (frames[1] == 1).all()
    untouched, _ = augment.waveform(waveforms(), LENGTHS, torch.tensor([False, False]))
    assert torch.equal(untouched, waveforms())


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
        Noise(RATE, 5, 20, 1.0, str(tmp_path))


def test_speed_is_not_rounded_to_16_bit_floats():
    """Under bf16 autocast the resampled waveform must be what it is without."""
    config = load_configuration("train", ["augment=[speed]", "augment.speed.factors=[0.9]"])
    augment = Augmentation({"speed": instantiate(config.augment.speed, sample_rate=RATE)})
    exact, _ = augment.waveform(waveforms(), LENGTHS)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast, _ = augment.waveform(waveforms(), LENGTHS)
    assert torch.equal(exact, under_autocast)
