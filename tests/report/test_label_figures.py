"""The figures of labels in a run's report: coverage against accuracy, the map of embeddings."""

import warnings

from asr.report.coverage import coverage
from asr.report.embedding_map import MARKERS, OTHERS, embedding_map, scatter
from asr.report.plots import SERIES

POINTS = [
    {"least_probability": 0.0, "answered": 1.0, "accuracy": 0.6, "accuracy_ci95": [0.2, 0.9], "utterances": 5},
    {"least_probability": 0.55, "answered": 0.6, "accuracy": 2 / 3, "utterances": 3},
]
HOW = {"method": "t-SNE", "dimensions": 192}


def record(label: str, predicted: str, place: object) -> dict:
    return {"id": "u", "reference": label, "hypothesis": predicted, "map": place}


def test_coverage_is_a_curve_with_its_points_in_a_table():
    html = coverage(POINTS)
    assert "<svg" in html and "<details>" in html and html.count("<tr>") == 3
    for expected in ("60.0 %", "66.7 %", "20.0 – 90.0 %", "0.55", "share of answers that are right"):
        assert expected in html


def test_a_broken_curve_is_left_out():
    for found in (None, {}, [], [3], [{"answered": None, "accuracy": 1.0, "least_probability": 0}]):
        assert coverage(found) == ""


def test_a_map_names_labels_as_they_are():
    """Also those that matplotlib would take for formulas, or leave out of a legend."""
    labels = ["$\\frac$", "_hidden", "<b>"]
    records = [record(label, "<b>", [place / 3, 0.5]) for place, label in enumerate(labels)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        html = embedding_map(HOW, records)
    assert "$\\frac$" in html and "_hidden" in html and "&lt;b&gt;" in html and "<b>" not in html
    assert "The embedding of 192 numbers" in html and "t-SNE keeps neighbours together" in html


def test_wrong_ones_are_ringed():
    figure = scatter([record("a", "a", [0, 0]), record("b", "a", [1, 0]), record("b", "b", [0, 1])])
    *_, rings = figure.axes[0].collections
    assert rings.get_offsets().tolist() == [[1, 0]]


def test_of_many_labels_the_most_frequent_have_a_style_of_their_own():
    styles = len(SERIES) * len(MARKERS)
    records = [record(f"speaker {n:02d}", "x", [n, 0]) for n in range(styles + 3) for _ in range(1 + (n >= 3))]
    names = [text.get_text() for text in scatter(records).legends[0].get_texts()]
    assert names == [OTHERS, *(f"speaker {n:02d}" for n in range(3, styles + 3))]


def test_utterances_without_a_place_have_no_map():
    assert embedding_map(None, [record("a", "a", [0, 0])] * 3) == ""
    assert embedding_map(HOW, [record("a", "a", None), record("a", "a", [0, "x"]), record("a", "a", [0, 0])]) == ""
