"""`asr export`: which file comes of which options."""

import warnings
from pathlib import Path

from asr.errors import UserError
from asr.screen import console
from asr.use.export.model import export_onnx, export_torch
from asr.use.load import load


def run(folder: Path, form: str, int8: bool, out: Path | None) -> None:
    """Write the model in `folder` as `form`, onnx or pt2, to `out`, else to model.onnx or model.pt2 here."""
    if int8 and form != "onnx":
        raise UserError("--int8 takes --format onnx")
    out = out or Path(f"model.{form}")
    recognizer, screen = load(folder), console()
    with screen.status(f"exporting to {out}"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch to its own developers
        if form == "onnx":
            export_onnx(recognizer, out, int8)
        else:
            export_torch(recognizer, out)
    size = out.stat().st_size / 2**20
    screen.print(f"{out}: {size:.1f} MiB", soft_wrap=True, highlight=False, markup=False)
