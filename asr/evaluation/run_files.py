"""What a run has left in its folder, as far as it has come."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Record = dict[str, Any]


@dataclass
class RunFiles:
    """The contents of a run folder; what a run never wrote is empty, and `faults` says what could not be read."""

    name: str
    config_text: str = ""
    config: Record = field(default_factory=dict)
    metrics: Record = field(default_factory=dict)
    history: list[Record] = field(default_factory=list)
    hypotheses: list[Record] = field(default_factory=list)
    rejected: list[Record] = field(default_factory=list)
    model_bytes: int = 0
    faults: list[str] = field(default_factory=list)


def read_run(run_dir: Path) -> RunFiles:
    """Read whatever is there; never raises for a missing or malformed file."""
    run_dir = Path(run_dir).resolve()
    run = RunFiles(name=run_dir.name)
    run.config_text = _text(run_dir / "config.yaml", run.faults)
    run.config = _config(run.config_text, run.faults)
    run.metrics = _metrics(run_dir / "metrics.json", run.faults)
    run.history = _records(run_dir / "history.jsonl", run.faults)
    run.hypotheses = [
        record
        for record in _records(run_dir / "hypotheses.jsonl", run.faults)
        if isinstance(record.get("reference"), str) and isinstance(record.get("hypothesis"), str)
    ]
    run.rejected = _records(run_dir / "rejected.jsonl", run.faults)
    weights = run_dir / "model" / "model.safetensors"
    run.model_bytes = weights.stat().st_size if weights.is_file() else 0
    return run


def _text(path: Path, faults: list[str]) -> str:
    if not path.is_file():
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{path.name} cannot be read: {error}")
        return ""


def _config(text: str, faults: list[str]) -> Record:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        faults.append("config.yaml is not valid YAML")
        return {}
    return config if isinstance(config, dict) else {}


def _metrics(path: Path, faults: list[str]) -> Record:
    text = _text(path, faults)
    try:
        metrics = json.loads(text) if text.strip() else {}
    except ValueError:
        faults.append(f"{path.name} is not valid JSON")
        return {}
    return {k: v for k, v in metrics.items() if isinstance(v, dict)} if isinstance(metrics, dict) else {}


def _records(path: Path, faults: list[str]) -> list[Record]:
    """The lines of a JSONL file. An interrupted run may have left half a line, which is told and left out."""
    records, broken = [], 0
    for line in _text(path, faults).splitlines():
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict):
            records.append(record)
        else:
            broken += 1
    if broken:
        faults.append(f"{path.name}: {broken} lines are not JSON objects and are left out")
    return records
