"""`asr export`: waveforms in, token log-probabilities out, in one file of ONNX or of torch.export.

    waveform (B, S) in [-1, 1], lengths (B,) samples -> log_probs (B, T', V), frames (B,), for any B and S

The file also holds `sample_rate`, `frame_seconds` and `tokens`, the text of each of the V tokens with ▁ for a space.
"""

import copy
import importlib.util
import json
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
import torchaudio
from torch import nn
from torch.export import Dim, ExportedProgram

from asr.errors import UserError
from asr.tasks.transcribe.recognizer import Recognizer
from asr.tasks.transcribe.text.tokenizer import BLANK
from asr.use.export.recurrence import OnnxRecurrence, ScannedRecurrence
from asr.use.export.spectrogram import ConvolvedSpectrogram
from asr.writing import whole_file, write_whole

Forms = dict[type, Callable[..., nn.Module]]  # of layers, the form that takes their place
QUANTIZED = ["MatMul", "Gemm", "LSTM"]  # convolutions in 8 bits are slower than in 32
ONNX_FORMS: Forms = {nn.RNNBase: OnnxRecurrence, torchaudio.transforms.Spectrogram: ConvolvedSpectrogram}
TORCH_FORMS: Forms = {nn.RNNBase: ScannedRecurrence}
INSTALL = "pip install 'asr-from-scratch[export]'"


def export_onnx(recognizer: Recognizer, out: Path, int8: bool) -> None:
    """Write an ONNX file; `int8`: with weights of 8 bits outside the features. Raises UserError without onnx."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise UserError(f"--format onnx takes {package}, which is not installed: {INSTALL}")
    for name in ("torch.onnx", "root"):  # they advise their own developers
        logging.getLogger(name).setLevel(logging.ERROR)
    program = torch.onnx.export(
        captured(recognizer.model, ONNX_FORMS),
        dynamo=True,
        verbose=False,
        input_names=["waveform", "lengths"],
        output_names=["log_probs", "frames"],
    )
    assert program is not None
    model = quantized(program.model_proto) if int8 else program.model_proto
    for key, value in facts(recognizer).items():
        model.metadata_props.add(key=key, value=value)
    write_whole(out, model.SerializeToString())


def quantized(model):
    """An ONNX model whose linear and LSTM layers outside the features have weights of 8 bits."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    features = [node.name for node in model.graph.node if is_feature(node)]
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "int8.onnx"
        quantize_dynamic(
            model, small, op_types_to_quantize=QUANTIZED, nodes_to_exclude=features, weight_type=QuantType.QInt8
        )
        return onnx.load(small)


def is_feature(node) -> bool:
    """Whether a node computes features, whose energies span more than 8 bits hold."""
    return any("features" in entry.value for entry in node.metadata_props if entry.key == "namespace")


def export_torch(recognizer: Recognizer, out: Path) -> None:
    """Write a .pt2 file, which `torch.export.load` reads."""
    program = captured(recognizer.model, TORCH_FORMS)
    with whole_file(out) as part, open(part, "wb") as file:
        torch.export.save(program, file, extra_files=facts(recognizer))


def captured(model: nn.Module, forms: Forms) -> ExportedProgram:
    """The model's graph for any batch and length."""
    model = copy.deepcopy(model).cpu().eval().requires_grad_(False)
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            for kind, form in forms.items():
                if isinstance(layer, kind):
                    setattr(parent, name, form(layer))
    waveform, lengths = torch.zeros(3, 16000), torch.tensor([16000, 12000, 8000])
    shapes = {"waveform": {0: Dim.DYNAMIC, 1: Dim.DYNAMIC}, "lengths": {0: Dim.DYNAMIC}}
    with torch.no_grad():
        return torch.export.export(model, (waveform, lengths), dynamic_shapes=shapes)


def facts(recognizer: Recognizer) -> dict[str, str]:
    """What a program needs to know besides the graph."""
    pieces = [recognizer.tokenizer.piece(token) for token in range(recognizer.tokenizer.size)]
    pieces[BLANK] = ""
    return {
        "sample_rate": str(recognizer.sample_rate),
        "frame_seconds": str(recognizer.model.frame_s),
        "tokens": json.dumps(pieces, ensure_ascii=False),
    }
