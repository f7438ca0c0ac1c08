"""The figures that TensorBoard shows."""

import warnings

import numpy as np

from asr.tasks.transcribe.report.posteriors import Example, figure_of_example


def example(duration_s: float = 2.0, sample_rate: int = 16_000) -> Example:
    random = np.random.default_rng(0)
    pieces = ["∅", "▁", "a", "$", "<i>", "ש", "世"]
    posteriors = np.full((50, len(pieces)), 0.01)
    posteriors[:, 0] = 0.9
    for i, frame in enumerate(range(4, 49, 7)):
        posteriors[frame] = np.eye(len(pieces))[i % len(pieces)]
    samples = 0.1 * random.standard_normal(int(duration_s * sample_rate)).astype(np.float32)
    spectrogram = random.standard_normal((200, 80)).astype(np.float32)
    return Example("clip-<1>", "say it now", "say it", samples, sample_rate, spectrogram, posteriors, pieces)


def test_figure_of_example_names_the_peaks_and_shares_the_time_axis():
    figure = figure_of_example(example())
    above, below = figure.axes
    assert above.get_xlim() == below.get_xlim() == (0.0, 2.0)
    assert {text.get_text() for text in below.texts} == {"▁", "a", r"\$", "<i>", "ש", "世"}
    assert len(below.lines) == 7  # the blank and six tokens
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # glyphs that the font lacks
        figure.canvas.draw()


def test_figure_of_an_utterance_without_tokens_or_frames():
    silent = example()
    for frames in (0, 1, 20):
        posteriors = np.tile(np.eye(7)[:1], (frames, 1))
        figure = figure_of_example(
            Example("s", "a", "", silent.samples, 16_000, silent.spectrogram, posteriors, "∅" * 7)
        )
        assert not figure.axes[1].texts
