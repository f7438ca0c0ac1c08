"""The finals: the best few of a search trained again with other seeds, to choose the winner with less luck."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import Trial, TrialState

from asr.errors import UserError
from asr.task import Rate
from asr.tuning.pruning import StudyReporter
from asr.tuning.side_by_side import best_first
from asr.tuning.space import Configuration
from asr.tuning.sweep import Sweep
from asr.tuning.time_budget import TimeBudget
from asr.tuning.trials import Train, adding_training_time, metrics_to_keep, set_attributes

UNCHANGED = "as it stood"  # the configuration that the search started from


@dataclass(frozen=True)
class Candidate:
    """A configuration in the finals: what it is called, and train.py's overrides for it."""

    label: str
    overrides: list[str]


def candidates_of(sweep: Sweep, study: optuna.Study, default: Configuration) -> list[Candidate]:
    """The best few trials and, to see what the search was good for, the configuration that it started from.

    Without finals it is the best alone: after folds, none of whose models has learnt from all of train.
    """
    finished = best_first(sweep, study)
    if not finished:
        raise UserError("no trial was finished, so there is no winner; " + reasons_of(study))
    if not sweep.finals.count:
        return [Candidate(f"trial {finished[0].number}", sweep.space.overrides(finished[0].params))]
    unchanged = sweep.space.point_of(default)
    stood = next((trial for trial in finished if trial.params == unchanged), None)
    best = [trial for trial in finished if trial is not stood][: sweep.finals.count]
    found = [Candidate(f"trial {trial.number}", sweep.space.overrides(trial.params)) for trial in best]
    if stood is None:
        return [*found, Candidate(UNCHANGED, [])]
    return [*found, Candidate(f"trial {stood.number}, {UNCHANGED}", sweep.space.overrides(stood.params))]


def reasons_of(study: optuna.Study) -> str:
    """Why trials ended without a result, the most frequent first."""
    reasons = [trial.user_attrs.get("reason", "") for trial in study.get_trials(deepcopy=False)]
    counts = {reason: reasons.count(reason) for reason in reasons if reason}
    return "; ".join(f"{count} × {reason}" for reason, count in sorted(counts.items(), key=lambda item: -item[1])[:3])


def open_finals(storage: BaseStorage, sweep: Sweep, study: optuna.Study, default: Configuration) -> optuna.Study:
    """The study of the finals, in which every training waits as a trial; created by the first worker to get here."""
    finals = optuna.create_study(
        study_name=sweep.finals_name,
        storage=storage,
        load_if_exists=True,
        direction="maximize" if sweep.rate.higher_is_better else "minimize",
        sampler=optuna.samplers.RandomSampler(),
        pruner=optuna.pruners.NopPruner(),
    )
    if "ready" in finals.user_attrs:
        return finals
    candidates = finals.user_attrs.get("candidates")
    if candidates is None:
        candidates = [vars(candidate) for candidate in candidates_of(sweep, study, default)]
        finals.set_user_attr("candidates", candidates)
    seeds = sweep.finals.seeds if sweep.finals.count else 1
    enqueued = [trial.user_attrs["final"] for trial in finals.get_trials(deepcopy=False)]
    for number in range(1, seeds + 1):  # all candidates with one seed, then with the next: fair if time runs out
        for index in range(len(candidates)):
            if [index, default["seed"] + number] not in enqueued:
                finals.enqueue_trial({}, user_attrs={"final": [index, default["seed"] + number]})
    finals.set_user_attr("ready", True)
    return finals


def finals_runner(sweep: Sweep, budget: TimeBudget, train: Train) -> Callable[[Trial], list[float]]:
    """What trains one candidate with one seed."""

    def run(trial: Trial) -> list[float]:
        index, seed = trial.user_attrs["final"]
        candidate = Candidate(**trial.study.user_attrs["candidates"][index])
        folder = sweep.folder / "finals" / f"{trial.number:04d}"
        longer = [f"budget.minutes={sweep.finals.minutes:g}"] if sweep.finals.minutes else []
        overrides = [*sweep.overrides, *candidate.overrides, f"seed={seed}", *longer]
        set_attributes(trial, overrides=overrides, folder=str(folder), label=candidate.label)
        reporter = StudyReporter(trial, sweep.rate, budget.until, at_rungs=False)
        with adding_training_time(trial, reporter):
            metrics = metrics_to_keep(train(overrides, folder, reporter, False), sweep.rates)
        set_attributes(trial, metrics=metrics)
        return [metrics["dev"][sweep.rate.name]]

    return run


@dataclass(frozen=True)
class Ranked:
    """A candidate and its trainings: the sweep's rate of every seed on dev, as fractions, and their run folders."""

    candidate: Candidate
    rate: Rate
    dev_each: list[float]
    folders: list[Path]

    @property
    def dev(self) -> float:
        return mean(self.dev_each)

    @property
    def best_folder(self) -> Path:
        return min(zip(map(self.rate.cost, self.dev_each), self.folders, strict=True))[1]


def ranking(sweep: Sweep, study: optuna.Study, finals: optuna.Study | None) -> list[Ranked]:
    """Candidates by their mean rate on dev, of equals the unchanged configuration first; without finals, the trials."""
    if finals is None:
        own = best_first(sweep, study, from_earlier=False)
        if not own:
            raise UserError(f"no trial was finished, so there is no winner; {reasons_of(study)}")
        return [
            Ranked(
                Candidate(f"trial {trial.number}", trial.user_attrs["overrides"]),
                sweep.rate,
                [trial.user_attrs["metrics"]["dev"][sweep.rate.name]],
                [folder_of(trial.user_attrs)],
            )
            for trial in own
        ]
    found = []
    done = finals.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    for index, described in enumerate(finals.user_attrs["candidates"]):
        own = [trial for trial in done if trial.user_attrs["final"][0] == index]
        if own:
            dev_each, folders = [trial.values[0] for trial in own], [folder_of(trial.user_attrs) for trial in own]
            found.append(Ranked(Candidate(**described), sweep.rate, dev_each, folders))
    if not found:
        raise UserError(f"none of the finals was finished, so there is no winner; {reasons_of(finals)}")
    most = max(len(ranked.dev_each) for ranked in found)

    def place(ranked: Ranked) -> tuple[bool, float, bool]:
        return len(ranked.dev_each) < most, sweep.rate.cost(ranked.dev), UNCHANGED not in ranked.candidate.label

    return sorted(found, key=place)


def folder_of(attributes: Mapping[str, Any]) -> Path:
    return Path(attributes["folder"])
