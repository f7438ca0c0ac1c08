"""Recordings of one length: a random window in training, the middle otherwise, the same alone and in a batch."""

import pytest
import torch
from hydra.utils import instantiate

from asr.configuration.compose import load_configuration
from asr.configuration.search_path import CONF
from asr.errors import UserError
from asr.model.fixed_length import FixedLength

RATE = 16000
LENGTHS = torch.tensor([16000, 6000, 8000, 1])
FEATURES = sorted(path.stem for path in (CONF / "features").glob("*.yaml"))


def fixed(name: str = "log_mel", seconds: float = 0.5) -> FixedLength:
    features = instantiate(load_configuration("train", [f"features={name}"]).features, sample_rate=RATE)
    return FixedLength(features, RATE, seconds)


def numbered() -> torch.Tensor:
    """Samples that are their own places, from 1; what is behind the length is no number."""
    places = torch.arange(1.0, 16001.0).repeat(len(LENGTHS), 1)
    return places.masked_fill(places > LENGTHS.unsqueeze(1), torch.nan)


def test_in_use_it_is_the_middle():
    cut, lengths = fixed().eval().cut(numbered(), LENGTHS)
    assert cut.shape == (4, 8000) and lengths.tolist() == [8000] * 4
    assert cut[0].tolist() == list(range(4001, 12001))
    assert cut[1].tolist() == [0] * 1000 + list(range(1, 6001)) + [0] * 1000
    assert cut[2].tolist() == list(range(1, 8001))
    assert cut[3].sum() == 1


def test_in_training_it_is_anywhere():
    torch.manual_seed(0)
    module, starts = fixed().train(), []
    for _ in range(100):
        cut, _ = module.cut(numbered(), LENGTHS)
        assert (cut[0].diff() == 1).all()
        first = int(cut[1].nonzero()[0])
        assert cut[1, first : first + 6000].tolist() == list(range(1, 6001)) and (cut[1] != 0).sum() == 6000
        starts.append((int(cut[0, 0]) - 1, first))
    for column, most in zip(zip(*starts, strict=True), (8000, 2000), strict=True):
        assert min(column) < 0.1 * most and 0.9 * most < max(column) <= most
        assert len(set(column)) > 75


@pytest.mark.parametrize("name", FEATURES)
def test_an_utterance_is_the_same_alone_and_in_a_batch(name):
    module = fixed(name).eval()
    waves = 0.1 * torch.randn(4, 16000, generator=torch.Generator().manual_seed(0))
    frames, lengths = module(waves.masked_fill(numbered().isnan(), torch.inf), LENGTHS)
    assert frames.shape == (4, int(lengths[0]), module.dim)
    assert lengths.tolist() == module.frames_of(LENGTHS).tolist() == [51] * 4
    for row, size in enumerate(LENGTHS.tolist()):
        alone, _ = module(waves[row : row + 1, :size], LENGTHS[row : row + 1])
        torch.testing.assert_close(alone[0], frames[row], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("seconds", [0, -1, 1e9, float("nan"), "long", None])
def test_other_lengths_are_refused(seconds):
    with pytest.raises(UserError, match=r"data\.crop_seconds="):
        fixed(seconds=seconds)
