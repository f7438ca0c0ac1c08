"""`asr export`: which file comes of which options."""

import warnings
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from asr.configuration.entry import exit_status
from asr.errors import UserError
from asr.screen import console


class ExportFormat(StrEnum):
    onnx = "onnx"
    pt2 = "pt2"


def export(
    model: Annotated[Path, typer.Argument(help="A trained model: RUN_DIR or RUN_DIR/model.")],
    format: Annotated[ExportFormat, typer.Option(help="pt2: torch.export's own.")] = ExportFormat.onnx,
    int8: Annotated[bool, typer.Option("--int8", help="ONNX with linear and LSTM weights of 8 bits.")] = False,
    out: Annotated[Path | None, typer.Option(help="The file to write; default: model.onnx or model.pt2.")] = None,
) -> None:
    """Write features, encoder and head as one file for programs that do not have this one."""
    with exit_status():
        run(model, format.value, int8, out)


def run(folder: Path, form: str, int8: bool, out: Path | None) -> None:
    """Write the model in `folder` as `form`, onnx or pt2, to `out`, else to model.onnx or model.pt2 here."""
    from asr.use.export.model import export_onnx, export_torch
    from asr.use.load import load_recognizer

    if int8 and form != "onnx":
        raise UserError("--int8 takes --format onnx")
    out = out or Path(f"model.{form}")
    recognizer, screen = load_recognizer(folder), console()
    with screen.status(f"exporting to {out}"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch to its own developers
        if form == "onnx":
            export_onnx(recognizer, out, int8)
        else:
            export_torch(recognizer, out)
    size = out.stat().st_size / 2**20
    screen.print(f"{out}: {size:.1f} MiB", soft_wrap=True, highlight=False, markup=False)
