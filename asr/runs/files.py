"""The files of a run's folder, as far as they have been written."""

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from asr.corpus.utterance import SPLITS

Record = dict[str, Any]


@dataclass
class RunFiles:
    """The contents of a run folder; what a run never wrote is empty, and `faults` says what could not be read."""

    name: str
    config_text: str = ""
    config: Record = field(default_factory=dict)
    metrics: Record = field(default_factory=dict)
    errors: Record = field(default_factory=dict)  # errors.json
    history: list[Record] = field(default_factory=list)
    hypotheses: list[Record] = field(default_factory=list)
    rejected: list[Record] = field(default_factory=list)
    evaluation: Record = field(default_factory=dict)  # of what evaluate.py left: which run, which data
    data: dict[str, tuple[int, float]] = field(default_factory=dict)  # split -> utterances, seconds
    model_bytes: int = 0
    faults: list[str] = field(default_factory=list)


def read_run(run_dir: Path) -> RunFiles:
    """Read whatever is there; never raises for a missing or malformed file."""
    run_dir = Path(run_dir).resolve()
    run = RunFiles(name=run_dir.name)
    run.metrics = _metrics(run_dir / "metrics.json", run.faults)
    run.errors = _metrics(run_dir / "errors.json", run.faults)
    run.hypotheses = [
        record
        for record in _records(run_dir / "hypotheses.jsonl", run.faults)
        if isinstance(record.get("reference"), str) and isinstance(record.get("hypothesis"), str)
    ]
    run.rejected = _records(run_dir / "rejected.jsonl", run.faults)
    evaluation = run_dir / "evaluation.yaml"
    if evaluation.is_file():
        run.evaluation = _yaml(_text(evaluation, run.faults), evaluation.name, run.faults)
        run_dir = _evaluated(run_dir, run.evaluation)
        run.name = f"{run_dir.name}, {run.name}"
        trained = _metrics(run_dir / "metrics.json", run.faults)
        run.metrics |= {"train": trained["train"]} if "train" in trained else {}
    _read_training(run_dir, run)
    if "decoder" in run.evaluation:
        run.config = {**run.config, "decoder": run.evaluation["decoder"]}
    return run


def _evaluated(folder: Path, evaluation: Record) -> Path:
    """The folder of the run that was evaluated; the one around, where it has been moved since."""
    named = Path(str(evaluation.get("run", "")))
    return named if (named / "config.yaml").is_file() else folder.parent.parent


def _read_training(run_dir: Path, run: RunFiles) -> None:
    """How the model was made."""
    run.config_text = _text(run_dir / "config.yaml", run.faults)
    run.config = _yaml(run.config_text, "config.yaml", run.faults)
    run.history = _records(run_dir / "history.jsonl", run.faults)
    for split in SPLITS:
        if found := _size(run_dir / "data" / f"{split}.jsonl.gz"):
            run.data[split] = found
    weights = run_dir / "model" / "model.safetensors"
    run.model_bytes = weights.stat().st_size if weights.is_file() else 0


def _size(path: Path) -> tuple[int, float] | None:
    """Utterances and seconds of a CutSet; None where it is not there, or cannot be read."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            durations = [float(json.loads(line)["duration"]) for line in lines]
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None
    return len(durations), sum(durations)


def _text(path: Path, faults: list[str]) -> str:
    if not path.is_file():
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{path.name} cannot be read: {error}")
        return ""


def _yaml(text: str, name: str, faults: list[str]) -> Record:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        faults.append(f"{name} is not valid YAML")
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
    """The lines of a JSONL file. Half a line of an interrupted run is left out and noted in `faults`."""
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
