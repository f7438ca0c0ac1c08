"""A map of utterances: what lies close together has similar embeddings; coloured by label."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from asr.report.numbers import is_number
from asr.report.page import part
from asr.report.plots import FAINT, FONT_POINTS, INK, SERIES, drawing

MARKERS = ("o", "^", "s", "D")
POINTS_DRAWN = 3000  # more only fill the page
OTHERS = "other labels"
LONGEST_LABEL = 24  # letters
HOW = {
    "t-SNE": "t-SNE keeps neighbours together; distances between groups and their sizes say little.",
    "PCA": "PCA: the two directions in which they differ most.",
}
RINGED = "A ring is an utterance that got a wrong label."


def embedding_map(found: object, records: Sequence[Mapping[str, Any]]) -> Markup:
    """The map; nothing where the utterances have no place on one.

    found: `embedding_map` of a split's metrics; records: lines of hypotheses.jsonl, with `map`.
    """
    known = found if isinstance(found, dict) else {}
    placed = [record for record in records if is_place(record.get("map"))] if known else []
    if len(placed) < 2:
        return Markup()
    drawn = random.Random(0).sample(placed, POINTS_DRAWN) if len(placed) > POINTS_DRAWN else placed
    left_out = f"{len(drawn)} of {len(placed)} utterances, at random." if len(drawn) < len(placed) else ""
    dimensions = f" of {known['dimensions']} numbers" if isinstance(known.get("dimensions"), int) else ""
    remark = (
        f"The embedding{dimensions} of every utterance in two dimensions, coloured by the label that the corpus gives."
    )
    explained = " ".join(filter(None, [remark, RINGED, HOW.get(str(known.get("method")), ""), left_out]))
    return part("paragraph", explained) + drawing(scatter(drawn))


def is_place(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_number, value))


def scatter(records: Sequence[Mapping[str, Any]]) -> Figure:
    """Points with a colour and a shape for each of the most frequent labels, grey for the others."""
    labels = [str(record["reference"]) for record in records]
    styles = [(color, marker) for marker in MARKERS for color in SERIES]
    frequent = sorted(label for label, _ in Counter(labels).most_common(len(styles)))
    style_of = dict(zip(frequent, styles, strict=False))
    figure = Figure(figsize=(8.4, 4.6), layout="constrained")
    axes = figure.subplots()
    x, y = np.array([record["map"] for record in records], dtype=float).T
    wrong = np.array([record["reference"] != record["hypothesis"] for record in records])
    named = [label if label in style_of else OTHERS for label in labels]
    groups = [*([OTHERS] if len(set(labels)) > len(frequent) else []), *frequent]  # the grey ones lie below
    for label in groups:
        color, marker = style_of.get(label, (FAINT, "."))
        rows = np.array([each == label for each in named])
        axes.scatter(x[rows], y[rows], s=18, color=color, marker=marker, alpha=0.75, linewidths=0)
    axes.scatter(x[wrong], y[wrong], s=60, facecolors="none", edgecolors=INK, linewidths=0.8)
    axes.set(xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    axes.spines[:].set_visible(False)
    handles = []
    for label in groups:
        color, marker = style_of.get(label, (FAINT, "."))
        handles.append(Line2D([], [], color=color, marker=marker, linestyle="none", label=shown(label)))
    legend = figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=FONT_POINTS - 1)
    for text in legend.get_texts():
        text.set(color=INK, parse_math=False)  # a label is no formula
    return figure


def shown(label: str) -> str:
    """A label in the legend, which leaves out names that begin with an underscore."""
    short = label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
    return f"\u200b{short}" if short.startswith("_") else short
