"""How a model was made: its configuration, its data, its program, and what training took."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from asr.report.numbers import clock, count, is_number
from asr.report.page import render
from asr.runs.files import RunFiles

SHOWN_ELSEWHERE = ("data", "trainer", "environment")  # of the configuration
DECISIVE = ("budget", "seed")
TRAINING_FIGURES: dict[str, tuple[str, Any]] = {
    "parameters": ("Parameters", count),
    "seconds": ("Training time", clock),
    "epochs": ("Epochs", lambda epochs: f"{epochs:.4g}"),
    "audio_seconds_per_second": ("Throughput", lambda rate: f"{count(round(rate))} s of audio per second"),
    "data_wait_share": ("Waiting for data", lambda share: f"{share:.1%} of the steps' time"),
    "peak_memory_mib": ("Peak memory", lambda mib: f"{count(round(mib))} MiB"),
}


def provenance(run: RunFiles) -> Markup:
    """Everything that is known of how a run came about, as tables, and its configuration in full."""
    size = [("Model file", f"{run.model_bytes / 2**20:.1f} MiB")] if run.model_bytes else []
    tables = (
        ("Training", training_figures(run.metrics) + size),
        ("Data", _data(run)),
        ("Model and training, in short", _groups(run.config)),
        ("Program and machine", _named(run.config.get("environment"))),
        ("Evaluation", _named(run.evaluation)),
    )
    return render("provenance.html", tables=tables, configuration=run.config_text)


def training_figures(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Size of the model, time, throughput and memory of training, as far as metrics.json holds them."""
    train = metrics.get("train", {})
    known = TRAINING_FIGURES.items()
    return [(name, write(train[key])) for key, (name, write) in known if is_number(train.get(key))]


def _data(run: RunFiles) -> list[tuple[str, str]]:
    data = run.config.get("data")
    source = data.get("source") if isinstance(data, dict) else None
    rows = [("Source", str(source) if source else "the embedded corpus")] if isinstance(data, dict) else []
    for split, (utterances, seconds) in run.data.items():
        rows.append((split.capitalize(), f"{count(utterances)} utterances, {clock(seconds)}"))
    return rows


def _groups(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The groups of the configuration, a line each, and what else decides the result."""
    apart = *SHOWN_ELSEWHERE, *DECISIVE
    groups = [key for key, value in config.items() if isinstance(value, dict | list) and value and key not in apart]
    keys = [*groups, *(key for key in DECISIVE if key in config)]
    return [(key.capitalize(), one_line(config[key])) for key in keys]


def _named(values: object) -> list[tuple[str, str]]:
    known = values.items() if isinstance(values, dict) else ()
    return [(str(name).capitalize(), one_line(value)) for name, value in known if value is not None]


def one_line(group: object) -> str:
    """Conformer(dim=144, layers=16) for a group of the configuration; a part within it by its name alone."""
    if isinstance(group, list):
        return ", ".join(one_line(part) for part in group)
    if not isinstance(group, dict):
        return str(group)
    name = str(group.get("_target_", "")).removesuffix(".train").rpartition(".")[2]
    arguments = []
    for key, value in group.items():
        if key.startswith("_") or value is None:
            continue
        nested = isinstance(value, dict) and "_target_" in value
        arguments.append(f"{key}={one_line({'_target_': value['_target_']}) if nested else value}")
    return f"{name}({', '.join(arguments)})" if name and arguments else name or ", ".join(arguments)
