"""The end of a sweep: the winner, how sure that is, its score on test, and what is left for others to use."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.trial import TrialState

from asr.configuration.search_path import CONF
from asr.errors import UserError
from asr.runs.against import read_lines
from asr.tasks.transcribe.scoring.significance import compare
from asr.tasks.transcribe.scoring.wer import characters_as_words, score
from asr.tuning.finals import DEFAULT, Ranked, folder_of, ranking
from asr.tuning.sweep import Sweep
from asr.writing import write_whole

SUMMARY = "summary.json"
NOT_FOR_OTHERS = (  # of the machine, or of this sweep
    *("data.source=", "data.workers=", "data.cache_", "data.fold", "run_dir=", "seed=", "budget."),
    *("trainer=", *(f"trainer.{key}=" for key in ("accelerator", "devices", "num_nodes", "strategy", "precision"))),
)


def summary_of(sweep: Sweep, study: optuna.Study, finals: optuna.Study | None, seconds: float) -> dict[str, Any]:
    """What summary.json holds but for the winner's score on test: the ranking, and what was won by it, on dev."""
    ranked, rate = ranking(sweep, study, finals), sweep.rate
    winner = ranked[0]
    stood = next((each for each in ranked if DEFAULT in each.candidate.label), None)
    rivals = {"runner_up": ranked[1] if len(ranked) > 1 else None, "as_it_stood": stood}
    trained = [trial.user_attrs.get("trained_s", 0.0) for each in (study, finals) if each for trial in each.trials]
    trials = study.get_trials(deepcopy=False)
    return {
        "study": sweep.name,
        "objectives": list(sweep.objectives),
        "rate": rate,
        "overrides": list(sweep.overrides),
        "folds": sweep.folds,
        "trials": {state.name.lower(): sum(trial.state == state for trial in trials) for state in TrialState},
        "seconds": round(seconds, 1),
        "trained_share": round(sum(trained) / (seconds * sweep.workers), 4) if seconds else None,
        "winner": described(winner, rate)
        | {"overrides": winner.candidate.overrides, "folder": str(winner.best_folder)},
        "finals": [described(each, rate) for each in ranked] if finals else [],
        "against": {
            name: dict(label=rival.candidate.label) | compared(winner, rival, rate)
            for name, rival in rivals.items()
            if rival is not None and rival is not winner and finals is not None
        },
    }


def described(ranked: Ranked, rate: str) -> dict[str, Any]:
    return {
        "label": ranked.candidate.label,
        "dev": ranked.dev,
        "dev_each": ranked.dev_each,
        "dev_ci95": interval_of(ranked.folders, rate),
        "folders": [str(folder) for folder in ranked.folders],
    }


def dev_lines(folder: Path) -> list[Mapping[str, Any]]:
    """The dev part of a run's hypotheses; none where the run is on another machine, or was of folds."""
    file = folder / "hypotheses.jsonl"
    return [line for line in read_lines(file) if line["split"] == "dev"] if file.is_file() else []


def interval_of(folders: Sequence[Path], rate: str) -> list[float] | None:
    """95 % interval of the mean rate over these trainings, by the bootstrap over speakers."""
    lines = [line for folder in folders for line in dev_lines(folder)]
    if not lines:
        return None
    references, heard = ([line[key] for line in lines] for key in ("reference", "hypothesis"))
    return list(getattr(score(references, heard, speakers_of(lines)), f"{rate}_ci95"))


def speakers_of(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whose each line is; where that is not known, an utterance is one speaker's with every seed."""
    return [line["speaker"] or line["id"] for line in lines]


def compared(winner: Ranked, rival: Ranked, rate: str) -> dict[str, Any]:
    """The paired tests of asr.tasks.transcribe.scoring.significance on dev, over as many trainings of both."""
    count = min(len(winner.folders), len(rival.folders))
    lines, others = (
        [line for folder in each.folders[:count] for line in in_order(dev_lines(folder))] for each in (winner, rival)
    )
    if not lines or [line["id"] for line in lines] != [line["id"] for line in others]:
        return {}
    parts = (lines, "reference"), (lines, "hypothesis"), (others, "hypothesis")
    texts = [[line[key] for line in some] for some, key in parts]
    if rate == "cer":
        texts = [list(map(characters_as_words, some)) for some in texts]
    references, ours, theirs = texts
    tested = compare(references, ours, theirs, speakers_of(lines)).as_dict()
    return {key: value for key, value in tested.items() if key not in ("words", "wer", "wer_against")}


def in_order(lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(lines, key=lambda line: line["id"])


def write_experiment(path: Path, overrides: Sequence[str], said: str) -> None:
    """The overrides of a training as a file for conf/experiment/, less what is of this machine and this sweep."""
    keys = dict(override.split("=", 1) for override in overrides if not override.startswith(NOT_FOR_OTHERS))
    defaults: list[Any] = [keys.pop("experiment")] if "experiment" in keys else []
    values: dict[str, Any] = {}
    for key, value in keys.items():
        if (CONF / key).is_dir():
            defaults.append({f"override /{key}": yaml.safe_load(value)})
            continue
        *parents, last = key.split(".")
        node = values
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = yaml.safe_load(value)
    shown = {"defaults": defaults} | values if defaults else values
    text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True) if shown else ""
    write_whole(path, f"# @package _global_\n# {said}\n{text}")


def winner_here(summary: Mapping[str, Any]) -> Path:
    """The winner's run folder; UserError where it is on another machine."""
    folder = folder_of(summary["winner"])
    if not (folder / "model").is_dir():
        raise UserError(f"{folder}: the winner was trained on another machine; type the same command there to score it")
    return folder
