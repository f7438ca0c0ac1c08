"""Optuna's own plots of a study, as the page's script draws them: in the page's colours, by day and night."""

import json
import math
import re
import warnings
from collections.abc import Callable, Sequence
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
from plotly.colors import sample_colorscale

from asr.errors import one_line
from asr.report import page
from asr.report.plots import FAINT, SERIES
from asr.report.sweep.trials import NAMES, done, early_on, shared
from asr.tasks.transcribe.scoring.wer import OTHER_RATE
from asr.tuning.pruning import RUNGS

AXIS_PIXELS = 105  # that an axis of parallel coordinates takes at least
SCALE = (SERIES[0], SERIES[4], SERIES[1])  # legible on white and on near-black, unlike Optuna's blues
SHARES = ".3~%"  # of d3's formats: as many figures as tell the ticks apart
MARKUP = re.compile(r"<(?!/?(?:b|i|br|extra)>)")  # what is none of the tags that Optuna writes


def snapshot(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> optuna.Study:
    """The trials as they are now, in memory, for Optuna to evaluate."""
    study = optuna.create_study(directions=["minimize"] * len(objectives))
    study.add_trials(trials)
    return study


def plots(trials: Sequence[FrozenTrial], objectives: Sequence[str], rate: str) -> list[str]:
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
                f"Dev {rate.upper()} as the trainings went",
                f"A line a trial: its best {NAMES[rate]} so far. Orange: the best trial; grey: pruned ones.",
                lambda: stages(plot_intermediate_values(study), trials, finished[0].number, NAMES[rate]),
            )
        )
    if len(finished) > 1:
        found.append(parallel(study, objectives, finished))
    return found


def histories(study: optuna.Study, objectives: Sequence[str]) -> str:
    """Each objective against the number of the trial."""
    found = []
    for place, name in enumerate(objectives):
        target = (lambda trial, place=place: trial.values[place]) if len(objectives) > 1 else None

        def make(target=target, name=name) -> go.Figure:
            figure = plot_optimization_history(study, target=target, target_name=NAMES[name])
            figure.update_xaxes(dtick=max(1, math.ceil(len(study.trials) / 12)))
            return as_rates(figure) if name in OTHER_RATE else figure

        found.append(plot(f"How the search went: {NAMES[name]}", "Trials in the order in which they began.", make))
    return "".join(found)


def pareto(study: optuna.Study, objectives: Sequence[str]) -> str:
    """The first objective against each of the others, with the front of the two."""
    found = []
    for place in range(1, len(objectives)):
        names = [objectives[0], objectives[place]]

        def make(place=place, names=names) -> go.Figure:
            figure = plot_pareto_front(
                study,
                target_names=[NAMES[name] for name in names],
                targets=lambda trial: (trial.values[0], trial.values[place]),
            )
            for dots in figure.data:
                of_front = "Best Trial" in dots.hovertemplate
                dots.marker = {"color": SERIES[1 if of_front else 0], "size": 9 if of_front else 6}
            rates = {
                f"{axis}axis": {"tickformat": SHARES}
                for axis, name in zip("xy", names, strict=True)
                if name in OTHER_RATE
            }
            return figure.update_layout(rates, showlegend=False)

        said = "No trial is better in both than one of the front, which is orange."
        found.append(plot(f"Pareto front: {NAMES[names[0]]} and {NAMES[names[1]]}", said, make))
    return "".join(found)


def parallel(study: optuna.Study, objectives: Sequence[str], finished: Sequence[FrozenTrial]) -> str:
    names = [NAMES[name] for name in objectives]
    axes = len(names) + len({name for trial in finished for name in trial.params})

    def make() -> go.Figure:
        if len(names) > 1:
            study.set_metric_names(names)
        figure = plot_parallel_coordinate(study, target_name=names[0])
        *lines, scale = figure.data
        for line in lines:  # the first axis is the first objective, from its least value at 0 to its greatest at 1
            line.line.color = sample_colorscale(list(SCALE), 1 - line.y[0])[0]
        least, *_, most = sorted(trial.values[0] for trial in finished)
        colours = {"colorscale": SCALE, "reversescale": True, "cmin": least, "cmax": most, "color": [least, most]}
        scale.marker.update(colours, colorbar={"title": names[0], "thickness": 12, "tickvals": None})
        return figure

    said = "A line a finished trial, through its value of each parameter; what a trial does not have is None."
    return plot("Parallel coordinates", said, make, axes * AXIS_PIXELS, 460)


def slices(trials: Sequence[FrozenTrial], objectives: Sequence[str], rate: str) -> str:
    """HTML: the first objective against each parameter, those first that all trials have.

    Where trials were pruned, it is the rate on dev of nearly all while they were still together.
    """
    early, share = early_on(trials)
    drawn = early or done(trials)
    if len(drawn) < 2:
        return ""
    study, every = snapshot(drawn if early else trials, objectives), shared(drawn)
    title = f"{NAMES[rate]} after {share:.0%}" if early else NAMES[objectives[0]]
    names = [*every, *dict.fromkeys(name for trial in drawn for name in trial.params if name not in every)]
    found = []
    for name in names:

        def make(name=name) -> go.Figure:
            figure = plot_slice(study, [name], target=lambda trial: trial.values[0], target_name=title)
            figure.update_traces(marker={"colorscale": SCALE, "showscale": False})
            figure.update_xaxes(dtick="D2", selector={"type": "log"})
            return as_rates(figure) if early or objectives[0] in OTHER_RATE else figure

        found.append(plot(name, "", make, height=300))
    told = "Early trials are blue, late ones orange."
    if early:
        told = f"The {NAMES[rate]} of {len(early)} trials after {share:.0%} of the budget, pruned ones too. {told}"
    return page.paragraph(told) + f'<div class="halves">{"".join(found)}</div>'


def plot(title: str, said: str, make: Callable[[], go.Figure], least_px: int = 0, height: int = 380) -> str:
    """HTML of a figure that the page's script draws; where Optuna cannot make it, why."""
    try:
        with warnings.catch_warnings(action="ignore"):  # that a part of Optuna is experimental
            figure = make()
    except (ValueError, RuntimeError, ZeroDivisionError, IndexError) as error:
        return page.paragraph(f"{title}: cannot be drawn ({one_line(error)}).")
    figure.update_layout(title=None, template=None, height=height, colorway=SERIES)
    wide, keys = (f' style="--least:{least_px}px"', ' tabindex="0"') if least_px else ("", "")
    caption = f"<b>{page.escape(title)}</b>" + (f" {page.escape(said)}" if said else "")
    name = page.escape(title)
    return (
        f'<figure class="plotted scroll"{keys}><figcaption>{caption}</figcaption>'
        f'<div class="plot" style="height:{height}px"><div{wide} role="img" aria-label="{name}"></div></div>'
        f"{page.data(as_text(json.loads(figure.to_json())))}</figure>"
    )


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
