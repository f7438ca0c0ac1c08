"""At the papers' widths the encoders have the papers' numbers of weights."""

from functools import partial

import pytest
from hydra.utils import instantiate

from asr.configuration.compose import load_configuration
from asr.errors import UserError
from asr.model.encoders.ecapa import ECAPA
from asr.model.encoders.resnet import ResNet18
from asr.model.encoders.subsampling import StackSubsampling

MELS = 80
FRONT_END = partial(StackSubsampling, factor=1)
PAPER = "encoder.channels=[64,128,256,512]"


def weights(name: str, *overrides: str) -> float:
    encoder = instantiate(load_configuration("train", [f"encoder={name}", *overrides]).encoder, features=MELS)
    return sum(weight.numel() for weight in encoder.parameters())


@pytest.mark.parametrize(("width", "millions"), [(512, 6.2), (1024, 14.7)])
def test_ecapa(width, millions):
    """Desplanques et al. 2020, table 1: with attentive statistics pooling and an embedding of 192."""
    dim, bottleneck, embedding = 1536, 128, 192
    attention = 3 * dim * bottleneck + bottleneck + bottleneck * dim + dim  # of a frame beside mean and deviation
    pooled = 2 * dim
    rest = attention + 2 * pooled + pooled * embedding + 3 * embedding  # with both batch normalizations
    ours = weights("ecapa", f"encoder.width={width}", f"encoder.dim={dim}")
    assert (ours + rest) / 1e6 == pytest.approx(millions, rel=0.01)


@pytest.mark.parametrize(("name", "millions"), [("resnet18", 11.18), ("resnet34", 21.28), ("resnet50", 23.51)])
def test_resnets(name, millions):
    """He et al. 2016 as torchvision counts it, less the last layer for ImageNet's 1000 classes.

    The front end has 0.03 million where they have 0.01.
    """
    ours = weights(name, PAPER, "encoder.subsampling.channels=64")
    assert ours / 1e6 == pytest.approx(millions, rel=0.005)


def test_vgg_has_eight_convolutions_of_the_papers_widths():
    """Of 3 by 3, 64 to 512 channels, two of each; besides them a front end, norms and the layer into 256."""
    widths = [64, 64, 128, 128, 256, 256, 512, 512]
    convolutions = sum(9 * into * out for into, out in zip([64, *widths], widths, strict=False))
    ours = weights("vgg", PAPER, "encoder.subsampling.channels=64")
    assert convolutions < ours < 1.1 * convolutions


def test_more_stages_than_a_resnet_has():
    with pytest.raises(UserError, match=r"encoder\.channels=\[8, 8, 8, 8, 8\]: .* at most 4 numbers"):
        ResNet18(MELS, [8] * 5, 0.0, FRONT_END)


def test_ecapa_groups_that_do_not_divide_its_width():
    with pytest.raises(UserError, match=r"encoder\.width=100: has to be a multiple of encoder\.scale=8"):
        ECAPA(MELS, 32, 100, [2], 8, 16, 0.0, FRONT_END)
