"""Coverage against accuracy: what is gained by answering only where a label is probable enough."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from asr.report.numbers import bounds, count, interval, is_number, percent
from asr.report.page import part
from asr.report.plots import FAINT, FONT_POINTS, INK, SERIES, drawing, plain_axes
from asr.report.tables import Table

NAMED = 6  # points, at most, whose least probability stands beside them
APART = 0.1  # of the axis, so that they can be read
MEANING = (
    "Each point is a least probability, below which the answer is “uncertain”: how many utterances are still answered, "
    "and how many of these answers are right, with the 95 % interval."
)


def coverage(found: object) -> Markup:
    """The curve, and its points as a table that opens; nothing where there are no points.

    found: `coverage` of a split's metrics.
    """
    listed = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    keys = "least_probability", "answered", "accuracy"
    points = [each for each in listed if all(is_number(each.get(key)) for key in keys)]
    if not points:
        return Markup()
    rows = [
        [
            f"{each['least_probability']:.4g}",
            count(each.get("utterances")),
            percent(each["answered"]),
            percent(each["accuracy"]),
            interval(each.get("accuracy_ci95")),
        ]
        for each in points
    ]
    columns = ["#Least probability", "#Utterances", "#Answered", "#Accuracy", "#95 % interval"]
    table = part("folded", "All points", part("table", Table(columns, rows)))
    return part("paragraph", MEANING) + drawing(coverage_curve(points)) + table


def coverage_curve(points: Sequence[Mapping[str, Any]]) -> Figure:
    """Accuracy of the answered utterances over their share."""
    figure = Figure(figsize=(5.4, 3.4), layout="constrained")
    axes = figure.subplots()
    answered, accuracy = (np.array([each[key] for each in points], dtype=float) for key in ("answered", "accuracy"))
    ends = np.array([bounds(each.get("accuracy_ci95")) or (each["accuracy"],) * 2 for each in points], dtype=float)
    axes.fill_between(answered, *ends.T, color=SERIES[0], alpha=0.15, linewidth=0)
    axes.plot(answered, accuracy, color=SERIES[0], linewidth=1.6, marker=".", markersize=6)
    for place in named_points(answered):
        where = (answered[place], accuracy[place])
        text = f"{points[place]['least_probability']:.3g}"
        style: dict[str, Any] = {"ha": "center", "va": "bottom", "color": INK, "fontsize": FONT_POINTS - 2}
        axes.annotate(text, where, (0, 5), textcoords="offset points", **style)
    axes.set(xlim=(0, 1.03), ylim=(min(0.5, float(ends.min())), 1.03))
    axes.set(xlabel="share of utterances that are answered", ylabel="share of answers that are right")
    axes.grid(axis="y", color=FAINT, alpha=0.3, linewidth=0.6)
    plain_axes(axes)
    return figure


def named_points(answered: np.ndarray) -> list[int]:
    """Places of points spread evenly over the axis, none too close to the one before."""
    nearest = [int(np.abs(answered - share).argmin()) for share in np.linspace(1, 0, NAMED)]
    found: list[int] = []
    for place in nearest:
        if not found or answered[found[-1]] - answered[place] >= APART:
            found.append(place)
    return found
