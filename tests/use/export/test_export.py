"""Exported models say what the model says, for batches and lengths that the export never saw."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

import asr
from asr.configuration.compose import load_configuration
from asr.configuration.search_path import CONF
from asr.runs.model_folder import TrainedModel, new_model
from asr.tasks.transcribe.recognizer import Recognizer
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from asr.tasks.transcribe.text.tokenizer import BLANK
from asr.use.export.model import export_onnx, export_torch
from tests.commands import ROOT, run
from tests.tasks.transcribe.recognizers import transcribe

# Those that name a class; the others are sizes of these, which make no difference to an export.
ENCODERS = sorted(
    path.stem
    for path in (CONF / "encoder").glob("*.yaml")
    if "_target_:" in (text := path.read_text("utf-8")) and "subsampling" in text  # frames has nothing to export
)
FEATURES = ["log_mel", "mfcc", "spectrogram"]
RATE = 8000
LENGTHS = [[RATE], [9000, 8500, 4000, 900, 1], [2000, 20000]]  # samples


def untrained(encoder: str, *overrides: str) -> Recognizer:
    torch.manual_seed(0)
    config = load_configuration("train", [f"encoder={encoder}", "encoder/subsampling=conv", *overrides])
    for key in {"layers", "blocks"} & set(config.encoder):
        config.encoder[key] = 1
    if "channels" in config.encoder:
        config.encoder.channels = config.encoder.channels[:1]
    task = transcribe(CharacterTokenizer([" ", *"abcdefghijklmnopqrstuvwxyz'é"]))
    parts = {name: config_of(config[name]) for name in ("features", "encoder")}
    model = new_model(parts, task, RATE)
    with torch.no_grad():  # as after some training: blocks that begin as the identity would pass any test
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return task.interface(TrainedModel(model, task, RATE, parts))


def batches():
    generator = torch.Generator().manual_seed(1)
    for lengths in LENGTHS:
        waveform = 0.1 * torch.randn(len(lengths), max(lengths), generator=generator)
        yield waveform, torch.tensor(lengths)  # what is beyond a length is garbage


def worst_difference(recognizer: Recognizer, exported) -> float:
    """The largest between log-probabilities of real frames; 1 where the numbers of frames differ."""
    worst = 0.0
    for waveform, lengths in batches():
        with torch.no_grad():
            wanted, frames = recognizer.model(waveform, lengths)
        found, counts = map(torch.as_tensor, exported(waveform, lengths))
        if counts.tolist() != frames.tolist():
            return 1.0
        valid = torch.arange(wanted.shape[1]) < frames[:, None]
        worst = max(worst, float((found - wanted)[valid].abs().max()))
    return worst


def onnx_session(path):
    session = pytest.importorskip("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    return session, lambda waveform, lengths: session.run(
        None, {"waveform": waveform.numpy(), "lengths": lengths.numpy()}
    )


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_in_onnx(tmp_path, encoder):
    pytest.importorskip("onnxscript")
    features = FEATURES[ENCODERS.index(encoder) % len(FEATURES)]
    recognizer = untrained(encoder, f"features={features}")
    export_onnx(recognizer, tmp_path / "model.onnx", int8=False)
    assert worst_difference(recognizer, onnx_session(tmp_path / "model.onnx")[1]) < 1e-3


@pytest.mark.parametrize("encoder", ["bilstm", "gru", "conformer"])  # ONNX begins with the same graph of the others
def test_torchs_own_format(tmp_path, encoder):
    recognizer = untrained(encoder, "features/normalization=corpus")
    recognizer.model.features.normalization.mean.fill_(-3.0)
    export_torch(recognizer, tmp_path / "model.pt2")
    facts = {"sample_rate": "", "frame_seconds": "", "tokens": ""}
    program = torch.export.load(io.BytesIO((tmp_path / "model.pt2").read_bytes()), extra_files=facts)
    assert worst_difference(recognizer, program.module()) < 1e-3
    assert facts["sample_rate"] == str(RATE) and json.loads(facts["tokens"])[:4] == ["", "▁", "a", "b"]


def test_eight_bits(tmp_path):
    pytest.importorskip("onnxscript")
    recognizer = untrained("bilstm")
    export_onnx(recognizer, tmp_path / "model.onnx", int8=True)
    _, exported = onnx_session(tmp_path / "model.onnx")
    assert 1e-4 < worst_difference(recognizer, exported) < 1.0
    assert (tmp_path / "model.onnx").stat().st_size < 2 * sum(p.numel() for p in recognizer.model.parameters())


def test_the_command_and_the_example(tmp_path):
    """The example's text is the recogniser's, in a process that cannot import torch."""
    pytest.importorskip("onnxscript")
    recognizer = untrained("bilstm")
    with torch.no_grad():
        recognizer.model.head.project.bias[BLANK] -= 2
    recognizer.save(tmp_path / "model")
    recordings = [tmp_path / f"{number}.wav" for number in range(10)]
    for number, path in enumerate(recordings):
        noise = np.random.default_rng(number).normal(0, 0.1, (2000 + 700 * number, 1 + number % 2))
        soundfile.write(path, noise, RATE)
    done = run("asr", "export", tmp_path / "model", "--out", tmp_path / "model.onnx")
    assert done.status == 0, done.err
    script = "import sys; sys.modules['torch'] = None; import runpy; sys.argv = sys.argv[1:]; "
    script += "runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-c", script, ROOT / "examples" / "onnx_transcribe.py", tmp_path / "model.onnx"]
    printed = subprocess.run([*command, *recordings], capture_output=True, text=True, check=True).stdout
    wanted = [f"{path}\t{text}" for path, text in zip(recordings, texts(tmp_path / "model", recordings), strict=True)]
    assert printed.splitlines() == wanted and any(line.split("\t")[1] for line in wanted)


def config_of(part):
    from omegaconf import OmegaConf

    return OmegaConf.to_container(part, resolve=True)


def texts(folder, recordings):
    return [transcript.text for transcript in asr.load(folder).transcribe(recordings)]


def test_what_cannot_be_exported(tmp_path):
    assert "--int8 takes --format onnx" in run("asr", "export", tmp_path, "--format", "pt2", "--int8").error
    assert "not a model folder" in run("asr", "export", tmp_path).error
