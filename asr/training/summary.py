"""The summary that a training prints at its start: data, shapes, loss, architecture, size, folders."""

from collections.abc import Mapping
from typing import Any

from lhotse import CutSet
from rich.console import Console
from rich.table import Table

from asr.corpus.batches import Batch
from asr.corpus.corpus import StreamedSplit, seconds_of
from asr.training.module import Training


def announce(console: Console, rows: Mapping[str, str]) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table, highlight=False)


def describe(
    module: Training,
    parts: Mapping[str, Any],
    splits: Mapping[str, CutSet | StreamedSplit],
    batch: Batch,
    sample_rate: int,
) -> dict[str, str]:
    """The questions a newcomer asks, answered from the objects themselves.

    parts: what the network is made of in the configuration; a `_target_` there ends in the name of its class.
    """
    model, encoder, features = module.model, module.model.encoder, module.model.features
    features_name, encoder_name = (parts[name]["_target_"].rpartition(".")[2] for name in ("features", "encoder"))
    cropped = f", cut or padded to {parts['crop_seconds']:g} s" if "crop_seconds" in parts else ""
    frames = features.frames_of(batch.lengths.max())
    sizes = ", ".join(f"{name} {describe_split(cuts)}" for name, cuts in splits.items())
    changes = [type(part).__name__ for part in (*module.augment.on_waveform, *module.augment.on_frames)]
    return {
        "data": sizes,
        "input": f"waveform (B, S) at {sample_rate} Hz, here {tuple(batch.waveform.shape)}{cropped}",
        "features": f"{features_name} (B, T, {features.dim}), a frame every {1000 * features.hop_s:g} ms, "
        f"here ({len(batch.ids)}, {int(frames)}, {features.dim})",
        "augment": ", ".join(changes) or "none",
        "encoder": f"{encoder_name} (B, T', {encoder.dim}), a frame every {1000 * model.frame_s:g} ms, "
        f"{parameters(encoder):,} parameters",
        **module.task.facts(len(batch.ids), int(encoder.frames_of(frames))),
        "parameters": f"{parameters(model):,} in all",
    }


def describe_split(cuts: CutSet | StreamedSplit) -> str:
    hours = seconds_of(cuts) / 3600
    length = f"{hours:.2f} h" if hours >= 0.1 else f"{3600 * hours:.0f} s"
    if not isinstance(cuts, CutSet):
        return f"{len(cuts)} utterances ({length}, read as training goes)"
    speakers = {cut.supervisions[0].speaker for cut in cuts}
    return f"{len(cuts)} utterances ({length}, {len(speakers)} speakers)"


def parameters(module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
