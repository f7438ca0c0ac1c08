"""The study of a sweep: created or joined, and the points that it starts from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from asr.configuration.compose import load_configuration, load_values
from asr.errors import UserError
from asr.tuning.points import corners, every_point
from asr.tuning.space import Configuration, Point, as_override
from asr.tuning.storage import open_storage
from asr.tuning.study_lock import LOCK_SUFFIX
from asr.tuning.sweep import FINALS, Sweep


class Grid(optuna.samplers.RandomSampler):
    """Every point of the space once: all of them wait in the study from the start, and no more are drawn."""


def check_space(sweep: Sweep) -> None:
    """Compose a configuration at every corner of the space; UserError for the first that train.py would refuse."""
    for corner in corners(sweep.space):
        try:
            load_configuration("train", [*sweep.overrides, *corner])
        except UserError as error:
            raise UserError(f"search={sweep.name}: {' '.join(corner)}: {error}") from error


def open_study(
    storage: BaseStorage,
    sweep: Sweep,
    sampler: optuna.samplers.BaseSampler,
    pruner: optuna.pruners.BasePruner,
) -> optuna.Study:
    """The study of this name, new or as it stands. Raises UserError where it is of another search."""
    study = optuna.create_study(
        study_name=sweep.name,
        storage=storage,
        load_if_exists=True,
        directions=sweep.directions,
        sampler=sampler,
        pruner=pruner,
    )
    identity = sweep.identity()
    found = study.user_attrs.get("sweep")
    if found is None:
        study.set_user_attr("sweep", identity)
        return study
    for key, value in identity.items():
        if found.get(key) != value:
            raise UserError(
                f"the study {sweep.name} is there already, with {key} {found.get(key)} instead of {value}; repeat the "
                "command as it was, or give another name= and run_dir= to start a new study"
            )
    return study


def enqueue_start(study: optuna.Study, sweep: Sweep, default: Configuration, start: Mapping[str, Any]) -> list[str]:
    """Put the points that the search starts from into the study, where they are not there yet; returns notes to print.

    default: the configuration as it stands. start: what conf/tune.yaml describes under that name.
    """
    if not sweep.draws_new:
        for number, point in enumerate(every_point(sweep.space)):
            if sweep.trials is None or number < sweep.trials:
                study.enqueue_trial(point, skip_if_exists=True)
        return []
    notes = []
    if start["default"]:
        unchanged = sweep.space.point_of(default)
        if unchanged is None:
            notes.append("the configuration as it stands lies outside the space: it takes part in the finals alone")
        else:
            study.enqueue_trial(unchanged, skip_if_exists=True)
    for known in start["known"]:
        study.enqueue_trial(point_of(sweep, known), skip_if_exists=True)
    if start["earlier"] and not study.user_attrs.get("earlier"):
        taken, others = earlier_trials(start["earlier"], sweep)
        study.add_trials(taken)
        study.set_user_attr("earlier", start["earlier"])
        notes.append(
            f"{len(taken)} trials taken over from {start['earlier']}, {others} not: other keys, values or objectives"
        )
    return notes


def point_of(sweep: Sweep, known: Mapping[str, Any]) -> Point:
    """A known configuration, as overrides of train.py, as a point of the space; UserError where it lies outside."""
    overrides = [f"{key}={as_override(value)}" for key, value in known.items()]
    point = sweep.space.point_of(load_values("train", [*sweep.overrides, *overrides]))
    if point is None:
        raise UserError(
            f"start.known: {' '.join(overrides)} lies outside of search={sweep.name}; leave it out, or widen the space"
        )
    return point


def earlier_trials(where: str, sweep: Sweep) -> tuple[list[FrozenTrial], int]:
    """Finished trials of the studies in another storage that this search can learn from, and how many it cannot."""
    if "://" not in where and not where.startswith("journal:") and Path(where).is_dir():
        where = str(Path(where) / "study.db")
    if "://" not in where and not where.startswith("journal:") and not Path(where).is_file():
        raise UserError(f"start.earlier={where}: no such study; give the folder of an earlier sweep, or its storage")
    storage, taken, others = open_storage(where), [], 0
    for name in optuna.get_all_study_names(storage):
        if name.endswith((FINALS, LOCK_SUFFIX)):
            continue
        study = optuna.load_study(study_name=name, storage=storage)
        objectives = study.user_attrs.get("sweep", {}).get("objectives", sweep.objectives)
        alike = list(objectives) == list(sweep.objectives)
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            if alike and len(trial.values) == len(sweep.objectives) and is_point(sweep, trial):
                attributes = {key: trial.user_attrs[key] for key in ("metrics",) if key in trial.user_attrs}
                taken.append(
                    optuna.trial.create_trial(
                        values=trial.values,
                        params=trial.params,
                        distributions=trial.distributions,
                        user_attrs=attributes | {"from": where, "overrides": sweep.space.overrides(trial.params)},
                    )
                )
            else:
                others += 1
    return taken, others


def is_point(sweep: Sweep, trial: FrozenTrial) -> bool:
    fixed = optuna.trial.FixedTrial(trial.params)
    try:
        sweep.space.suggest(fixed)  # type: ignore[arg-type]  # suggests alike
    except ValueError:
        return False
    return fixed.distributions == trial.distributions
