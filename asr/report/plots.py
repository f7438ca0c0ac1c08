"""Figures of a training run: learning curves, and an utterance with the token posteriors that its text came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asr.report.numbers import is_number

INK = "#1f2a37"  # text and axes; a page in the dark replaces it
SERIES = ("#3b7dd8", "#d9822b", "#2a9d8f", "#c2507a", "#8a63d2", "#7c8b2e")  # legible on white and on near-black
FAINT = "#9aa5b1"
INCHES_PER_SECOND = 1.6
WIDTH_INCHES = (10.5, 30.0)  # narrowest and widest figure of an utterance
FONT_POINTS = 10


@dataclass(frozen=True)
class Example:
    """One utterance with everything that is to be heard and seen of it.

    samples: (S,) in [-1, 1]; spectrogram: (T, F), whatever features the encoder reads; posteriors: (T', V),
    probabilities of the tokens with the CTC blank at 0; pieces: the V tokens as they are shown.
    """

    id: str
    reference: str
    hypothesis: str
    samples: np.ndarray
    sample_rate: int
    spectrogram: np.ndarray
    posteriors: np.ndarray
    pieces: Sequence[str]

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate


def figure_of_example(example: Example, threshold: float = 0.3) -> Figure:
    """The features above the token posteriors, on one axis of time in seconds.

    threshold: the probability that a token must once exceed to be drawn and named.
    """
    width = float(np.clip(example.duration_s * INCHES_PER_SECOND, *WIDTH_INCHES))
    figure = Figure(figsize=(width, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    above.imshow(
        np.asarray(example.spectrogram, dtype=np.float32).T,
        origin="lower",
        aspect="auto",
        interpolation="none",
        cmap="magma",
        extent=(0.0, example.duration_s, 0.0, float(example.spectrogram.shape[1])),
    )
    above.set_ylabel("feature")
    _draw_posteriors(below, example, threshold)
    below.set_xlabel("time (s)")
    below.set_xlim(0.0, example.duration_s)
    for axes in (above, below):
        _plain(axes)
    return figure


def _draw_posteriors(axes: Axes, example: Example, threshold: float) -> None:
    """A line for every token that exceeds the threshold, named above its peaks; the blank is the faint one."""
    posteriors = np.asarray(example.posteriors, dtype=np.float32)  # (T', V)
    frames = len(posteriors)
    times_s = (np.arange(frames) + 0.5) * example.duration_s / max(frames, 1)
    if frames:
        axes.plot(times_s, posteriors[:, 0], color=FAINT, linewidth=0.8)
    shown = (np.flatnonzero((posteriors[:, 1:] > threshold).any(axis=0)) + 1).tolist()
    by_onset = sorted(shown, key=lambda token: int((posteriors[:, token] > threshold).argmax()))
    for i, token in enumerate(by_onset):
        color = SERIES[i % len(SERIES)]
        axes.plot(times_s, posteriors[:, token], color=color, linewidth=1.4)
        for frame in _peaks(posteriors[:, token], threshold):
            axes.annotate(
                example.pieces[token].replace("$", r"\$"),  # a pair of dollars would be read as a formula
                (times_s[frame], 1.0),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                color=color,
                fontsize=FONT_POINTS,
            )
    axes.set_ylim(0.0, 1.25)
    axes.set_yticks([0.0, 0.5, 1.0])
    axes.set_ylabel("posterior\n(blank: grey)")


def _peaks(probabilities: np.ndarray, threshold: float) -> list[int]:
    """The frame of the maximum of each stretch (T',) above the threshold."""
    edges = np.diff(np.concatenate([[0], probabilities > threshold, [0]]).astype(int))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [int(start + probabilities[start:end].argmax()) for start, end in zip(starts, ends, strict=True)]


def learning_curves(history: Sequence[Mapping[str, Any]]) -> dict[str, Figure]:
    """Figures of the loss, the error rates and the learning rate over training steps, by their titles.

    history: a record of each validation, as in history.jsonl. What was never recorded has no figure.
    """
    figures = {
        "Loss": _curves(history, {"train_loss": "training", "dev_loss": "dev"}, "CTC loss"),
        "Error rates on dev": _curves(history, {"dev_wer": "WER", "dev_cer": "CER"}, "error rate (%)", percent=True),
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
    _plain(axes)
    return figure


def compared_curves(histories: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Figure]:
    """The curves of several runs over one another, by title; histories: of each run by its name.

    What no run recorded has no figure.
    """
    shown = {
        "WER on dev, over steps": ("step", 1.0, "training step", "dev_wer", 100.0, "WER (%)"),
        "WER on dev, over time": ("seconds", 1 / 60, "minutes of training", "dev_wer", 100.0, "WER (%)"),
        "CTC loss on dev": ("step", 1.0, "training step", "dev_loss", 1.0, "loss"),
        "CTC loss in training": ("step", 1.0, "training step", "train_loss", 1.0, "loss"),
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
            _plain(axes)
            figures[title] = figure
    return figures


def reliability(bins: Sequence[Mapping[str, Any]]) -> Figure:
    """How many words of a confidence are right, over that confidence; the area of a point goes with its words."""
    figure = Figure(figsize=(4.2, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle="--")
    words = np.array([each["words"] if is_number(each.get("words")) else 1 for each in bins], dtype=float)
    confidences, accuracies = ([each[key] for each in bins] for key in ("confidence", "accuracy"))
    axes.plot(confidences, accuracies, color=SERIES[0], linewidth=1.4)
    axes.scatter(confidences, accuracies, s=10 + 150 * words / max(words.max(), 1.0), color=SERIES[0], alpha=0.7)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share of words that are right")
    _plain(axes)
    return figure


def _plain(axes: Axes) -> None:
    """Two spines, one colour, one size of letters."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK, labelsize=FONT_POINTS)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, fontsize=FONT_POINTS)
    for text in (axes.yaxis.get_offset_text(), axes.xaxis.get_offset_text()):
        text.set_color(INK)
