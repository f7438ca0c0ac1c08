"""How a sweep was made: its command, how it searched, and the program and machines that trained."""

import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from asr.report.provenance import one_line
from asr.report.sweep.objectives import objectives_of
from asr.runs.files import read_run
from asr.tuning.sweep import Sweep

PACKAGES = ("optuna", "plotly", "scikit-learn")


def provenance(
    sweep: Sweep, settings: Mapping[str, Any], command: Sequence[str], trials: Sequence[FrozenTrial]
) -> list[tuple[str, str]]:
    """Names and what they are. settings: what conf/tune.yaml describes; command: the words after python."""
    began = min((trial.datetime_start for trial in trials if trial.datetime_start), default=None)
    machines = dict.fromkeys(str(trial.user_attrs["machine"]) for trial in trials if "machine" in trial.user_attrs)
    rows = [
        ("Command", shlex.join(["python", *command])),
        ("Holds for every training", " ".join(sweep.overrides) or "nothing but train.py's own configuration"),
        ("Objectives", ", ".join(each.title for each in objectives_of(sweep))),
        ("Sampler", one_line(settings["sampler"])),
        ("Pruner", one_line(settings["pruner"])),
        ("Folds", f"{sweep.folds}; a trial's {sweep.rate.title} is their mean" if sweep.folds else ""),
        ("Finals", finals_of(sweep)),
        ("Workers", f"{sweep.workers} on this machine"),
        ("Machines", ", ".join(machines)),
        ("Began", f"{began:%Y-%m-%d %H:%M:%S}" if began else ""),
    ]
    rows += [(name, str(value)) for name, value in environment_of(sweep.folder).items() if name != "started"]
    rows += [(name, version(name)) for name in PACKAGES]
    return [(name[0].upper() + name[1:], value) for name, value in rows if value]


def finals_of(sweep: Sweep) -> str:
    if not sweep.finals.count:
        return "the best, trained on all of train" if sweep.folds else "none"
    return f"the best {sweep.finals.count}, {sweep.finals.seeds} further seeds each"


def environment_of(folder: Path) -> Mapping[str, Any]:
    """The program and the machine, and the seed, as one of the trainings found them."""
    for config in sorted(folder.glob("trials/**/config.yaml")):
        if config.parent.name == "model":
            continue
        found = read_run(config.parent).config
        environment = found.get("environment")
        return {"seed of the trials": found.get("seed")} | (environment if isinstance(environment, dict) else {})
    return {}
