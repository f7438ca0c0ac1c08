"""The result of a sweep: the winner, tests against its rivals, and its configuration for others to use."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.trial import TrialState

from asr.configuration.search_path import is_group
from asr.errors import UserError
from asr.task import Rate
from asr.tuning.finals import UNCHANGED, Ranked, folder_of, ranking
from asr.tuning.judge import Judge
from asr.tuning.side_by_side import lines_of, side_by_side
from asr.tuning.sweep import Sweep
from asr.writing import write_whole

SUMMARY = "summary.json"
TESTED = (  # what is kept of a comparison, beside the tests that have a name
    *("utterances", "difference", "difference_ci95", "bootstrap_p", "bootstrap_over", "bootstrap_units"),
    "utterances_for_power_80",
)
NOT_FOR_OTHERS = (  # of the machine, or of this sweep
    *("data.source=", "data.workers=", "data.cache_", "data.fold", "run_dir=", "seed=", "budget."),
    *("trainer=", *(f"trainer.{key}=" for key in ("accelerator", "devices", "num_nodes", "strategy", "precision"))),
)


def summary_of(
    sweep: Sweep, study: optuna.Study, finals: optuna.Study | None, judge: Judge, seconds: float
) -> dict[str, Any]:
    """What summary.json holds but for the winner's score on test: the ranking on dev and its tests."""
    ranked, rate = ranking(sweep, study, finals), sweep.rate
    winner = ranked[0]
    stood = next((each for each in ranked if UNCHANGED in each.candidate.label), None)
    rivals = {"runner_up": ranked[1] if len(ranked) > 1 else None, "as_it_stood": stood}
    trained = [trial.user_attrs.get("trained_s", 0.0) for each in (study, finals) if each for trial in each.trials]
    trials = study.get_trials(deepcopy=False)
    return {
        "study": sweep.name,
        "objectives": list(sweep.objectives),
        "rate": rate.name,
        "overrides": list(sweep.overrides),
        "folds": sweep.folds,
        "trials": {state.name.lower(): sum(trial.state == state for trial in trials) for state in TrialState},
        "seconds": round(seconds, 1),
        "trained_share": round(sum(trained) / (seconds * sweep.workers), 4) if seconds else None,
        "winner": describe(winner, judge, rate)
        | {"overrides": winner.candidate.overrides, "folder": str(winner.best_folder)},
        "finals": [describe(each, judge, rate) for each in ranked] if finals else [],
        "side_by_side": side_by_side(sweep, trials, judge),
        "against": {
            name: dict(label=rival.candidate.label) | compare(winner, rival, judge, rate)
            for name, rival in rivals.items()
            if rival is not None and rival is not winner and finals is not None
        },
    }


def describe(ranked: Ranked, judge: Judge, rate: Rate) -> dict[str, Any]:
    return {
        "label": ranked.candidate.label,
        "dev": ranked.dev,
        "dev_each": ranked.dev_each,
        "dev_ci95": interval_of(ranked.folders, judge, rate),
        "folders": [str(folder) for folder in ranked.folders],
    }


def interval_of(folders: Sequence[Path], judge: Judge, rate: Rate) -> list[float] | None:
    """95 % interval of the mean rate over these trainings."""
    lines = [line for folder in folders for line in lines_of(folder, "dev")]
    interval = judge.interval(lines, rate) if lines else None
    return None if interval is None else list(interval)


def compare(winner: Ranked, rival: Ranked, judge: Judge, rate: Rate) -> dict[str, Any]:
    """Paired tests on dev, over equally many trainings of both; empty where their utterances differ."""
    count = min(len(winner.folders), len(rival.folders))
    ours, theirs = (
        [line for folder in each.folders[:count] for line in sorted(lines_of(folder, "dev"), key=itemgetter("id"))]
        for each in (winner, rival)
    )
    if not ours or [line["id"] for line in ours] != [line["id"] for line in theirs]:
        return {}
    tested = judge.compare(ours, theirs, 0, rate) or {}
    return {key: value for key, value in tested.items() if key in TESTED or isinstance(value, Mapping)}


def write_experiment(path: Path, overrides: Sequence[str], comment: str) -> None:
    """The overrides of a training as a file for conf/experiment/, without those of this machine and this sweep."""
    keys = dict(override.split("=", 1) for override in overrides if not override.startswith(NOT_FOR_OTHERS))
    defaults: list[Any] = [keys.pop("experiment")] if "experiment" in keys else []
    values: dict[str, Any] = {}
    for key, value in keys.items():
        if is_group(key):
            defaults.append({f"override /{key}": yaml.safe_load(value)})
            continue
        *parents, last = key.split(".")
        node = values
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = yaml.safe_load(value)
    content = {"defaults": defaults} | values if defaults else values
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True) if content else ""
    write_whole(path, f"# @package _global_\n# {comment}\n{text}")


def winner_folder(summary: Mapping[str, Any]) -> Path:
    """The winner's run folder; UserError where it is on another machine."""
    folder = folder_of(summary["winner"])
    if not (folder / "model").is_dir():
        raise UserError(f"{folder}: the winner was trained on another machine; run the same command there to score it")
    return folder
