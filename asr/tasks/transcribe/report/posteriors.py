"""One utterance as the model sees it: the features that it reads, and the token posteriors that it makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asr.report.plots import FAINT, FONT_POINTS, SERIES, plain_axes

INCHES_PER_SECOND = 1.6
WIDTH_INCHES = (10.5, 30.0)  # narrowest and widest


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
        plain_axes(axes)
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
