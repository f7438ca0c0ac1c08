"""Optuna's own plots of a study, as the page's script draws them: in the page's colours, by day and night."""

import json
import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import optuna
import plotly.graph_objects as go
from markupsafe import Markup
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from optuna.visualization import (
    plot_intermediate_values,
    plot_optimization_history,
    plot_parallel_coordinate,
    plot_pareto_front,
    plot_slice,
)
from plotly.colors import sample_colorscale

from asr.errors import one_line
from asr.report.page import part, render
from asr.report.plots import FAINT, SERIES
from asr.report.sweep.objectives import Objective, on_dev
from asr.report.sweep.trials import early_on, finished_trials, shared
from asr.task import Rate
from asr.tuning.pruning import RUNGS

AXIS_PIXELS = 105  # that an axis of parallel coordinates takes at least
SCALE = (SERIES[0], SERIES[4], SERIES[1])  # legible on white and on near-black, unlike Optuna's blues
SHARES = ".3~%"  # of d3's formats: as many figures as tell the ticks apart
MARKUP = re.compile(r"<(?!/?(?:b|i|br|extra)>)")  # what is none of the tags that Optuna writes


def snapshot(trials: Sequence[FrozenTrial], objectives: Sequence[Objective]) -> optuna.Study:
    """The trials as they are now, in memory, for Optuna to evaluate; objectives: what their values are."""
    directions = {True: StudyDirection.MAXIMIZE, False: StudyDirection.MINIMIZE}
    study = optuna.create_study(directions=[directions[objective.higher_is_better] for objective in objectives])
    study.add_trials(trials)
    return study


def plots(trials: Sequence[FrozenTrial], objectives: Sequence[Objective], rate: Rate) -> Markup:
    """The way of the search, its trials as curves, and its parameters side by side."""
    study, finished = snapshot(trials, objectives), finished_trials(trials, objectives)
    if not finished:
        return Markup()
    found = [histories(study, objectives)]
    if len(objectives) > 1:
        found.append(pareto(study, objectives))
    elif any(trial.intermediate_values for trial in trials):
        name = on_dev(rate).title
        found.append(
            plot(
                f"Dev {rate.title} as the trainings went",
                f"A line a trial: its best {name} so far. Orange: the best trial; grey: pruned ones.",
                lambda: stages(plot_intermediate_values(study), trials, finished[0].number, name),
            )
        )
    if len(finished) > 1:
        found.append(parallel(study, objectives, finished))
    return Markup().join(found)


def histories(study: optuna.Study, objectives: Sequence[Objective]) -> Markup:
    """Each objective against the number of the trial."""
    found = []
    for place, objective in enumerate(objectives):
        target = (lambda trial, place=place: trial.values[place]) if len(objectives) > 1 else None

        def make(target=target, objective=objective) -> go.Figure:
            figure = plot_optimization_history(study, target=target, target_name=objective.title)
            figure.update_xaxes(dtick=max(1, math.ceil(len(study.trials) / 12)))
            return as_rates(figure) if objective.rate else figure

        found.append(plot(f"How the search went: {objective.title}", "Trials in the order in which they began.", make))
    return Markup().join(found)


def pareto(study: optuna.Study, objectives: Sequence[Objective]) -> Markup:
    """The first objective against each of the others, with the front of the two."""
    found = []
    for place in range(1, len(objectives)):
        pair = objectives[0], objectives[place]

        def make(place=place, pair=pair) -> go.Figure:
            figure = plot_pareto_front(
                study,
                target_names=[each.title for each in pair],
                targets=lambda trial: (trial.values[0], trial.values[place]),
            )
            for dots in figure.data:
                of_front = "Best Trial" in dots.hovertemplate
                dots.marker = {"color": SERIES[1 if of_front else 0], "size": 9 if of_front else 6}
            rates = {
                f"{axis}axis": {"tickformat": SHARES}
                for axis, objective in zip("xy", pair, strict=True)
                if objective.rate
            }
            return figure.update_layout(rates, showlegend=False)

        meaning = "No trial is better in both than one of the front, which is orange."
        found.append(plot(f"Pareto front: {pair[0].title} and {pair[1].title}", meaning, make))
    return Markup().join(found)


def parallel(study: optuna.Study, objectives: Sequence[Objective], finished: Sequence[FrozenTrial]) -> Markup:
    names, higher_is_better = [each.title for each in objectives], objectives[0].higher_is_better
    axes = len(names) + len({name for trial in finished for name in trial.params})

    def make() -> go.Figure:
        if len(names) > 1:
            study.set_metric_names(names)
        figure = plot_parallel_coordinate(study, target_name=names[0])
        *lines, scale = figure.data
        for line in lines:  # the first axis is the first objective, from its least value at 0 to its greatest at 1
            share = line.y[0] if higher_is_better else 1 - line.y[0]
            line.line.color = sample_colorscale(list(SCALE), share)[0]
        least, *_, most = sorted(trial.values[0] for trial in finished)
        colours = {"colorscale": SCALE, "cmin": least, "cmax": most, "color": [least, most]}
        colours["reversescale"] = not higher_is_better
        scale.marker.update(colours, colorbar={"title": names[0], "thickness": 12, "tickvals": None})
        return figure

    meaning = "A line a finished trial, through its value of each parameter; what a trial does not have is None."
    return plot("Parallel coordinates", meaning, make, axes * AXIS_PIXELS, 460)


def slices(trials: Sequence[FrozenTrial], objectives: Sequence[Objective], rate: Rate) -> Markup:
    """The first objective against each parameter, those first that all trials have.

    Where trials were pruned, it is the rate on dev of nearly all while they were still together.
    """
    early, share = early_on(trials)
    drawn = early or finished_trials(trials, objectives)
    if len(drawn) < 2:
        return Markup()
    on_axis = on_dev(rate) if early else objectives[0]
    title = f"{on_axis.title} after {share:.0%}" if early else on_axis.title
    study = snapshot(early, [on_axis]) if early else snapshot(trials, objectives)
    every = shared(drawn)
    names = [*every, *dict.fromkeys(name for trial in drawn for name in trial.params if name not in every)]
    found = []
    for name in names:

        def make(name=name) -> go.Figure:
            figure = plot_slice(study, [name], target=lambda trial: trial.values[0], target_name=title)
            figure.update_traces(marker={"colorscale": SCALE, "showscale": False})
            figure.update_xaxes(dtick="D2", selector={"type": "log"})
            return as_rates(figure) if on_axis.rate else figure

        found.append(("", plot(name, "", make, height=300)))
    which = f"The {on_axis.title} of {len(early)} trials after {share:.0%} of the budget, pruned ones too. "
    colours = "Early trials are blue, late ones orange."
    return part("paragraph", which + colours if early else colours) + part("beside", "halves", found)


def plot(title: str, remark: str, make: Callable[[], go.Figure], least_px: int = 0, height: int = 380) -> Markup:
    """A figure that the page's script draws, `least_px` wide at least; where Optuna cannot make it, why."""
    try:
        with warnings.catch_warnings(action="ignore"):  # that a part of Optuna is experimental
            figure = make()
    except (ValueError, RuntimeError, ZeroDivisionError, IndexError) as error:
        return part("paragraph", f"{title}: cannot be drawn ({one_line(error)}).")
    figure.update_layout(title=None, template=None, height=height, colorway=SERIES)
    drawn = as_text(json.loads(figure.to_json()))
    return render("sweep_plot.html", title=title, remark=remark, least_px=least_px, height=height, figure=drawn)


def as_rates(figure: go.Figure) -> go.Figure:
    return figure.update_yaxes(tickformat=SHARES, rangemode="tozero")


def stages(figure: go.Figure, trials: Sequence[FrozenTrial], best: int, name: str) -> go.Figure:
    """The rungs of a training as shares of its budget, and each trial by what became of it."""
    states = {f"Trial{trial.number}": trial.state for trial in trials}
    for line in figure.data:
        of_best = line.name == f"Trial{best}"
        colour = SERIES[1] if of_best else FAINT if states[line.name] == TrialState.PRUNED else SERIES[0]
        line.update(mode="lines+markers", marker_size=4, line={"color": colour, "width": 2.5 if of_best else 1})
    ticks = list(range(0, RUNGS + 1, RUNGS // 5))
    figure.update_xaxes(title="share of the budget", tickvals=ticks, ticktext=[f"{each / RUNGS:.0%}" for each in ticks])
    return as_rates(figure.update_layout(showlegend=False, yaxis_title=name))


def as_text(values: Any) -> Any:
    """A figure in which the names that it shows are text, whatever plotly would take them for."""
    if isinstance(values, str):
        return MARKUP.sub("&lt;", values.replace("&", "&amp;"))
    if isinstance(values, list):
        return [as_text(value) for value in values]
    if isinstance(values, dict):
        return {key: as_text(value) for key, value in values.items()}
    return values
