"""The encoder contract, for every file in conf/encoder/ and both front ends, at every subsampling they offer."""

import re
from functools import cache
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from safetensors.torch import load, save

import asr.model.encoders
from asr.configuration.compose import load_configuration
from asr.configuration.search_path import CONF
from asr.model.encoders.batch_norm import MaskedBatchNorm
from asr.model.encoders.convolution import Convolution

FRAMES = "frames"  # passes frames on as they are: nothing to learn, no stride to choose
ENCODERS = sorted({path.stem for path in (CONF / "encoder").glob("*.yaml")} - {FRAMES})
FEATURES = 40
LENGTHS = torch.tensor([61, 40, 17, 8])  # frames
VARIANTS = [
    pytest.param(name, front_end, factor, id=f"{name}-{front_end}-{factor}x")
    for name in ENCODERS
    for front_end, factor in [("stack", 1), ("stack", 4), ("stack", 3), ("conv", 1), ("conv", 2), ("conv", 8)]
]


@cache
def described(name: str, front_end: str, factor: int, *overrides: str) -> DictConfig:
    """An encoder's configuration, composed once: that takes longer than any test of it."""
    chosen = [f"encoder={name}", f"encoder/subsampling={front_end}", f"encoder.subsampling.factor={factor}"]
    return load_configuration("train", [*chosen, *overrides]).encoder


def build(name: str, front_end: str = "conv", factor: int = 4, *overrides: str):
    torch.manual_seed(0)
    encoder = instantiate(described(name, front_end, factor, *overrides), features=FEATURES)
    with torch.no_grad():  # as after some training: blocks that begin as the identity would pass any test
        for weight in encoder.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return encoder


def frames(seed: int = 1) -> torch.Tensor:
    return torch.randn(len(LENGTHS), int(LENGTHS.max()), FEATURES, generator=torch.Generator().manual_seed(seed))


def with_padding(x: torch.Tensor, value: float) -> torch.Tensor:
    padding = torch.arange(x.shape[1]) >= LENGTHS.unsqueeze(1)
    return x.masked_fill(padding.unsqueeze(-1), value)


def test_every_encoder_module_has_a_configuration():
    shared = {"attention", "batch_norm", "convolution", "dropout", "maps", "recurrent", "subsampling"}
    modules = {path.stem for path in Path(asr.model.encoders.__file__).parent.glob("*.py")} - {"__init__"} - shared
    chosen = "".join((CONF / "encoder" / f"{name}.yaml").read_text("utf-8") for name in ENCODERS)
    chosen += (CONF / "encoder" / f"{FRAMES}.yaml").read_text("utf-8")
    named = set(re.findall(r"_target_: asr\.model\.encoders\.(\w+)\.", chosen))
    assert modules <= named


def test_frames_are_passed_on_as_they_are():
    encoder = instantiate(load_configuration("train", [f"encoder={FRAMES}"]).encoder, features=FEATURES)
    x = frames()
    hidden, lengths = encoder(x, LENGTHS)
    assert torch.equal(hidden, x) and torch.equal(lengths, LENGTHS) and torch.equal(encoder.frames_of(LENGTHS), LENGTHS)
    assert (encoder.stride, encoder.dim) == (1, FEATURES)
    assert list(encoder.parameters()) == []


@pytest.mark.parametrize(("name", "front_end", "factor"), VARIANTS)
def test_lengths_width_and_stride(name, front_end, factor):
    encoder = build(name, front_end, factor).eval()
    hidden, lengths = encoder(frames(), LENGTHS)
    expected = (LENGTHS + factor - 1) // factor
    assert encoder.stride == factor
    assert lengths.tolist() == expected.tolist() == encoder.frames_of(LENGTHS).tolist()
    assert hidden.shape[0] == len(LENGTHS)
    assert hidden.shape[1] >= int(expected.max())
    assert hidden.shape[2] == encoder.dim


@pytest.mark.parametrize(("name", "front_end", "factor"), VARIANTS)
@pytest.mark.parametrize("garbage", [1e4, float("nan")])
def test_garbage_in_the_padding_changes_no_frame(name, front_end, factor, garbage):
    encoder = build(name, front_end, factor).eval()
    clean, lengths = encoder(with_padding(frames(), 0.0), LENGTHS)
    dirty, _ = encoder(with_padding(frames(), garbage), LENGTHS)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(dirty[row, :length], clean[row, :length], rtol=0, atol=0)


@pytest.mark.parametrize(("name", "front_end", "factor"), VARIANTS)
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_alone_and_in_a_batch_give_the_same_frames(name, front_end, factor, mode):
    encoder = build(name, front_end, factor, "encoder.dropout=0")
    encoder.train(mode == "train")
    if mode == "train" and any(isinstance(module, MaskedBatchNorm) for module in encoder.modules()):
        return assert_more_padding_changes_no_frame(encoder)
    together, lengths = encoder(with_padding(frames(), 7.0), LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone, _ = encoder(frames()[row : row + 1, :length], LENGTHS[row : row + 1])
        kept = int(lengths[row])
        torch.testing.assert_close(together[row, :kept], alone[0, :kept], rtol=1e-4, atol=1e-4)


def assert_more_padding_changes_no_frame(encoder):
    """What is left of it in training with batch normalization, whose frames depend on their batch by design."""
    less, lengths = encoder(with_padding(frames(), 0.0), LENGTHS)
    more, _ = encoder(torch.nn.functional.pad(with_padding(frames(), 7.0), (0, 0, 0, 24), value=float("nan")), LENGTHS)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(more[row, :length], less[row, :length], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "front_end", "factor"), VARIANTS)
def test_gradients_are_finite_reach_every_weight_and_nothing_of_the_padding(name, front_end, factor):
    encoder = build(name, front_end, factor).train()
    x = with_padding(frames(), 3.0).requires_grad_()
    hidden, lengths = encoder(x, LENGTHS)
    valid = torch.arange(hidden.shape[1]) < lengths.unsqueeze(1)
    weights = torch.randn(hidden.shape, generator=torch.Generator().manual_seed(2))
    (hidden * weights)[valid].sum().backward()
    for key, weight in encoder.named_parameters():
        assert weight.grad is not None, f"{key} has no gradient"
        assert torch.isfinite(weight.grad).all(), key
        assert weight.grad.abs().sum() > 0, f"{key} has no gradient"
    padding = torch.arange(x.shape[1]) >= LENGTHS.unsqueeze(1)
    assert torch.isfinite(x.grad).all()
    assert x.grad[padding].abs().max() == 0


@pytest.mark.parametrize("name", ENCODERS)
def test_weights_survive_safetensors_exactly(name):
    encoder = build(name).eval()
    other = build(name).eval()
    with torch.no_grad():
        for weight in other.parameters():
            weight.add_(1.0)
    other.load_state_dict(load(save(encoder.state_dict())))
    assert torch.equal(encoder(frames(), LENGTHS)[0], other(frames(), LENGTHS)[0])


@pytest.mark.parametrize("name", ENCODERS)
def test_one_frame_is_enough(name):
    hidden, lengths = build(name).eval()(torch.randn(1, 1, FEATURES), torch.tensor([1]))
    assert lengths.tolist() == [1]
    assert torch.isfinite(hidden[:, :1]).all()


@pytest.mark.parametrize("name", ENCODERS)
def test_bf16_stays_close(name):
    encoder = build(name).eval()
    exact, lengths = encoder(frames(), LENGTHS)
    with torch.autocast("cpu", torch.bfloat16):
        rounded, _ = encoder(frames(), LENGTHS)
    valid = torch.arange(exact.shape[1]) < lengths.unsqueeze(1)
    scale = exact[valid].abs().mean()
    assert (rounded.float() - exact)[valid].abs().mean() < 0.05 * scale


@pytest.mark.parametrize("bins", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 3, (5, 3)])
def test_narrow_convolutions_are_right(bins, kernel):
    """Where few bins are left; on processors with AMX units, oneDNN's bf16 kernels are wrong there."""
    torch.manual_seed(0)
    padding = tuple(size // 2 for size in torch.nn.modules.utils._pair(kernel))
    plain = torch.nn.Conv2d(64, 64, kernel, (1, 2), padding)
    ours = Convolution(64, 64, kernel, (1, 2), padding)
    ours.load_state_dict(plain.state_dict())
    for _ in range(20):  # what is wrong depends on what the memory held before
        x = torch.randn(2, 64, 101, bins).contiguous(memory_format=torch.channels_last)
        expected = plain(x)
        torch.testing.assert_close(ours(x), expected)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = ours(x).float()
        torch.testing.assert_close(rounded, expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("name", ["transformer", "conformer"])
def test_blocks_begin_as_the_identity(name):
    """An untrained deep encoder gives what an untrained one of a single block gives (up to normalization)."""
    config = load_configuration("train", [f"encoder={name}", "encoder.dropout=0"]).encoder
    torch.manual_seed(0)
    encoder = instantiate(config, features=FEATURES)
    shallow = encoder.position.add(encoder.subsampling(frames(), LENGTHS)[0])
    hidden, lengths = encoder(frames(), LENGTHS)
    expected = torch.nn.functional.layer_norm(shallow, shallow.shape[-1:])
    valid = torch.arange(hidden.shape[1]) < lengths.unsqueeze(1)
    torch.testing.assert_close(hidden[valid], expected[valid], rtol=1e-2, atol=1e-2)  # normalized once a block


@pytest.mark.parametrize("name", ["transformer", "conformer"])
@pytest.mark.parametrize("position", ["sinusoidal", "rotary"])
def test_attention_knows_where_a_frame_stands(name, position):
    """The same frames in another order must not give the same frames in that order."""
    encoder = build(name, "stack", 1, f"encoder/position={position}").eval()
    x, lengths = torch.randn(1, 20, FEATURES, generator=torch.Generator().manual_seed(0)), torch.tensor([20])
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(encoder(x, lengths)[0][:, order], encoder(x[:, order], lengths)[0], atol=1e-2)


def test_rotary_attention_depends_on_distance_alone():
    from asr.model.encoders.attention import RotaryPosition

    q, k = torch.randn(8), torch.randn(8)
    turned_q = RotaryPosition().rotate(q.expand(1, 1, 30, 8))[0, 0]
    turned_k = RotaryPosition().rotate(k.expand(1, 1, 30, 8))[0, 0]
    products = turned_q @ turned_k.T
    torch.testing.assert_close(products.diagonal(3)[:1].expand(27), products.diagonal(3), rtol=1e-4, atol=1e-4)
    assert products.diagonal(3)[0] != pytest.approx(float(products.diagonal(5)[0]), abs=1e-3)
