"""Figures of trainings, drawn in a page's own colours: learning curves, of one run and of several; reliability."""

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asr.report.numbers import is_number
from asr.task import Rate

INK = "#1f2a37"  # text and axes; a page in the dark replaces it
SERIES = ("#3b7dd8", "#d9822b", "#2a9d8f", "#c2507a", "#8a63d2", "#7c8b2e")  # legible on white and on near-black
FAINT = "#9aa5b1"
FONT_POINTS = 10


def drawing(figure: Figure) -> Markup:
    """A figure as inline SVG whose ink is the page's own."""
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}), warnings.catch_warnings():
        # The browser has glyphs for scripts that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    svg = file.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = svg.replace(INK, "currentColor").replace("'DejaVu Sans'", "system-ui, 'DejaVu Sans'")
    return Markup(f'<figure class="scroll">{svg}</figure>')


def learning_curves(history: Sequence[Mapping[str, Any]], rates: Sequence[Rate]) -> dict[str, Figure]:
    """Figures of the loss, the rates and the learning rate over training steps, by their titles.

    history: a record of each validation, as in history.jsonl. What was never recorded has no figure.
    """
    kind = "Rates" if any(rate.higher_is_better for rate in rates) else "Error rates"
    on_dev = {f"dev_{rate.name}": rate.title for rate in rates}
    figures = {
        "Loss": _curves(history, {"train_loss": "training", "dev_loss": "dev"}, "loss"),
        f"{kind} on dev": _curves(history, on_dev, f"{kind.lower().removesuffix('s')} (%)", percent=True),
        "Learning rate": _curves(history, {"learning_rate": "learning rate"}, "learning rate"),
    }
    return {title: figure for title, figure in figures.items() if figure is not None}


def _curves(
    history: Sequence[Mapping[str, Any]], keys: Mapping[str, str], label: str, percent: bool = False
) -> Figure | None:
    """One figure with a line for each key that has values; the lines are named in their own colours."""
    figure = Figure(figsize=(4.2, 2.9), layout="constrained")
    axes = figure.subplots()
    drawn = []
    for (key, name), color in zip(keys.items(), SERIES, strict=False):
        points = [(r["step"], r[key]) for r in history if is_number(r.get("step")) and is_number(r.get(key))]
        if not points:
            continue
        steps, values = np.array(points, dtype=float).T
        axes.plot(steps, values * (100 if percent else 1), color=color, linewidth=1.8, marker=".", markersize=5)
        drawn.append((name, color, values))
    if not drawn:
        return None
    # A loss falls by orders of magnitude; on a linear axis only its first drop would be seen.
    everything = np.concatenate([values for _, _, values in drawn])
    if not percent and len(drawn) > 1 and everything.min() > 0 and everything.max() > 20 * everything.min():
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=min(0.0, float(everything.min())))
    if len(drawn) > 1:
        for i, (name, color, _) in enumerate(drawn):
            corner: dict[str, Any] = {
                "xycoords": "axes fraction",
                "textcoords": "offset points",
                "ha": "right",
                "va": "top",
            }
            axes.annotate(name, (1, 1), (-4, -4 - 15 * i), color=color, fontsize=FONT_POINTS, weight="bold", **corner)
    axes.set_xlabel("training step")
    axes.set_ylabel(label)
    axes.grid(axis="y", color=FAINT, alpha=0.3, linewidth=0.6)
    plain_axes(axes)
    return figure


def compared_curves(histories: Mapping[str, Sequence[Mapping[str, Any]]], rate: Rate) -> dict[str, Figure]:
    """The curves of several runs over one another, by title; histories: of each run by its name.

    What no run recorded has no figure.
    """
    of_rate = f"dev_{rate.name}", 100.0, f"{rate.title} (%)"
    shown = {
        f"{rate.title} on dev, over steps": ("step", 1.0, "training step", *of_rate),
        f"{rate.title} on dev, over time": ("seconds", 1 / 60, "minutes of training", *of_rate),
        "Loss on dev": ("step", 1.0, "training step", "dev_loss", 1.0, "loss"),
        "Loss in training": ("step", 1.0, "training step", "train_loss", 1.0, "loss"),
    }
    figures = {}
    for title, (over, scale, over_label, key, key_scale, label) in shown.items():
        figure = Figure(figsize=(4.6, 3.2), layout="constrained")
        axes = figure.subplots()
        for place, history in enumerate(histories.values()):
            points = [(r[over], r[key]) for r in history if is_number(r.get(over)) and is_number(r.get(key))]
            if points:
                x, y = np.array(points, dtype=float).T
                axes.plot(x * scale, y * key_scale, color=SERIES[place % len(SERIES)], linewidth=1.6, alpha=0.9)
        if axes.lines:
            axes.set(xlabel=over_label, ylabel=label)
            axes.set_ylim(bottom=0.0)
            axes.grid(axis="y", color=FAINT, alpha=0.3, linewidth=0.6)
            plain_axes(axes)
            figures[title] = figure
    return figures


def reliability(bins: Sequence[Mapping[str, Any]], counted: str) -> Figure:
    """How many of what has a confidence is right, over that confidence; the area of a point goes with their number.

    counted: the key of that number, and what was counted: words, utterances.
    """
    figure = Figure(figsize=(4.2, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle="--")
    sizes = np.array([each[counted] if is_number(each.get(counted)) else 1 for each in bins], dtype=float)
    confidences, accuracies = ([each[key] for each in bins] for key in ("confidence", "accuracy"))
    axes.plot(confidences, accuracies, color=SERIES[0], linewidth=1.4)
    axes.scatter(confidences, accuracies, s=10 + 150 * sizes / max(sizes.max(), 1.0), color=SERIES[0], alpha=0.7)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel=f"share of {counted} that are right")
    plain_axes(axes)
    return figure


def plain_axes(axes: Axes) -> None:
    """Two spines, one colour, one size of letters."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK, labelsize=FONT_POINTS)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, fontsize=FONT_POINTS)
    for text in (axes.yaxis.get_offset_text(), axes.xaxis.get_offset_text()):
        text.set_color(INK)
