"""Optuna's own plots of a study, as the page's script draws them: in the page's colours, by day and night."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import optuna
import plotly.graph_objects as go
from optuna.trial import FrozenTrial, TrialState
from optuna.visualization import (
    plot_intermediate_values,
    plot_optimization_history,
    plot_parallel_coordinate,
    plot_pareto_front,
    plot_slice,
)

from asr.errors import one_line
from asr.evaluation import page
from asr.tuning.pruning import RUNGS
from asr.tuning.report.trials import NAMES, done, shared

RATES = ("wer", "cer")
AXIS_PIXELS = 105  # that an axis of parallel coordinates takes at least
MARKUP = re.compile(r"<(?!/?(?:b|i|br|extra)>)")  # what is none of the tags that Optuna writes
MOST_IN_A_PARETO_PLOT = 3


def snapshot(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> optuna.Study:
    """The trials as they are now, in memory, for Optuna to evaluate."""
    study = optuna.create_study(directions=["minimize"] * len(objectives))
    study.add_trials(trials)
    return study


def plots(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> list[str]:
    """HTML: the way of the search, its trials as curves, and its parameters side by side."""
    study, finished = snapshot(trials, objectives), done(trials)
    if not finished:
        return []
    found = [histories(study, objectives)]
    if len(objectives) > 1:
        found.append(pareto(study, objectives))
    elif any(trial.intermediate_values for trial in trials):
        found.append(
            plot(
                "Dev WER as the trainings went",
                "A line a trial: the best dev WER so far against how far the training had come. Those that end early were pruned.",
                lambda: as_rates(stages(plot_intermediate_values(study))),
            )
        )
    if len(finished) > 1:
        found.append(parallel(study, objectives, len({name for trial in finished for name in trial.params})))
    return found


def histories(study: optuna.Study, objectives: Sequence[str]) -> str:
    """Each objective against the number of the trial."""
    found = []
    for place, name in enumerate(objectives):
        target = (lambda trial, place=place: trial.values[place]) if len(objectives) > 1 else None

        def make(target=target, name=name) -> go.Figure:
            figure = plot_optimization_history(study, target=target, target_name=NAMES[name])
            return as_rates(figure) if name in RATES else figure

        found.append(plot(f"How the search went: {NAMES[name]}", "Trials in the order in which they began.", make))
    return "".join(found)


def pareto(study: optuna.Study, objectives: Sequence[str]) -> str:
    if len(objectives) > MOST_IN_A_PARETO_PLOT:
        return page.paragraph(f"A front of {len(objectives)} objectives cannot be drawn; the table has them all.")

    def make() -> go.Figure:
        figure = plot_pareto_front(study, target_names=[NAMES[name] for name in objectives])
        rates = [axis for axis, name in zip("xyz", objectives, strict=False) if name in RATES]
        if len(objectives) == 2:
            figure.update_layout({f"{axis}axis": {"tickformat": ".0%"} for axis in rates})
        return figure

    return plot("Pareto front", "No trial is better than one of the front in every objective.", make)


def parallel(study: optuna.Study, objectives: Sequence[str], parameters: int) -> str:
    names = [NAMES[name] for name in objectives]

    def make() -> go.Figure:
        if len(names) > 1:
            study.set_metric_names(names)
        return plot_parallel_coordinate(study, target_name=names[0])

    said = "A line a finished trial, through its value of each parameter; what a trial does not have is at the foot."
    return plot("Parallel coordinates", said, make, (parameters + len(names)) * AXIS_PIXELS, 460)


def slices(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> str:
    """HTML: the first objective against each parameter, those first that all trials have."""
    study, finished = snapshot(trials, objectives), done(trials)
    if len(finished) < 2:
        return ""
    every = shared(finished)
    names = [*every, *dict.fromkeys(name for trial in finished for name in trial.params if name not in every)]
    found = []
    for name in names:

        def make(name=name) -> go.Figure:
            figure = plot_slice(study, [name], target=lambda trial: trial.values[0], target_name=NAMES[objectives[0]])
            return as_rates(figure) if objectives[0] in RATES else figure

        found.append(plot(name, "", make, height=300))
    return f'<div class="halves">{"".join(found)}</div>'


def plot(title: str, said: str, make: Callable[[], go.Figure], least_px: int = 0, height: int = 380) -> str:
    """HTML of a figure that the page's script draws; where Optuna cannot make it, why."""
    try:
        figure = make()
    except (ValueError, RuntimeError, ZeroDivisionError, IndexError) as error:
        return page.paragraph(f"{title}: cannot be drawn ({one_line(error)}).")
    figure.update_layout(title=None, template=None, height=height)
    wide = f' style="--least:{least_px}px"' if least_px else ""
    caption = f"<b>{page.escape(title)}</b>" + (f" {page.escape(said)}" if said else "")
    return (
        f'<figure class="plotted scroll" tabindex="0"><figcaption>{caption}</figcaption>'
        f'<div class="plot" style="height:{height}px"><div{wide} role="img" aria-label="{page.escape(title)}"></div></div>'
        f"{page.data(as_text(json.loads(figure.to_json())))}</figure>"
    )


def as_rates(figure: go.Figure) -> go.Figure:
    return figure.update_yaxes(tickformat=".0%", rangemode="tozero")


def stages(figure: go.Figure) -> go.Figure:
    """The rungs of a training as shares of its budget."""
    ticks = list(range(0, RUNGS + 1, RUNGS // 5))
    return figure.update_xaxes(
        title="share of the budget", tickvals=ticks, ticktext=[f"{each / RUNGS:.0%}" for each in ticks]
    )


def as_text(values: Any) -> Any:
    """A figure in which the names that it shows are text, whatever plotly would take them for."""
    if isinstance(values, str):
        return MARKUP.sub("&lt;", values)
    if isinstance(values, list):
        return [as_text(value) for value in values]
    if isinstance(values, dict):
        return {key: as_text(value) for key, value in values.items()}
    return values


def finished_count(trials: Iterable[FrozenTrial]) -> int:
    return sum(trial.state == TrialState.COMPLETE for trial in trials)
