"""Ranges of values: read from a key's default and from the comment beside it."""

import re

import pytest

from asr.configuration.comments import comments_of_keys
from asr.configuration.values import RANGE, expected_value, parts_of

CASES = [  # default, comment, what is taken, what is not, and what is said of that
    (320, "", [1, 1000], [0, -1, 2.5, "many", None], "a whole number above 0"),
    (0, "", [0, 7], [-1, 0.5], "a whole number of 0 or more"),
    (-10, "", [-99, 5], [0.5], "a whole number"),
    (0.5, "", [-3, 0, 1e9], ["x", float("nan"), float("inf"), None], "a number"),
    (5, "signal-to-noise ratio; any number", [0, -5, 2.5], ["x"], "a number"),
    (8, "frames to each side; 0 or more", [0], [-1, 0.5], "a whole number of 0 or more"),
    (0.1, "0 to 1", [0, 0.5, 1], [-0.1, 1.1], "a number from 0 to 1"),
    (0.001, "peak; above 0", [1e-9, 3], [0, -1], "a number above 0"),
    (2, "whole number, 1 to 4", [1, 9], [0], "a whole number above 0"),  # such a part says nothing: it is no range
    (2, "whole numbers 1 to 4; odd ones", [1, 4], [5, 2.5], "a whole number from 1 to 4"),
    (None, "null: never", ["anything", 3, None], [], ""),
    (None, "whole number above 0; null: as many as fit", [1, None], [0, 1.5, "x"], "a whole number above 0"),
    (10.0, "nats; null: no such word", [None, -3], ["x"], "a number"),
    ([32, 64], "", [[1], [2, 3]], [[0], [1.5], ["a"]], "a whole number above 0"),
    ("same", "", ["valid", 3], [], ""),
    (True, "", [False], [1, "yes"], "true or false"),
]


@pytest.mark.parametrize(("default", "comment", "taken", "refused", "wanted"), CASES)
def test_ranges(default, comment, taken, refused, wanted):
    for value in taken:
        assert expected_value("encoder.size", default, value, comment) is None
    for value in refused:
        assert expected_value("encoder.size", default, value, comment) == wanted


def test_every_range_in_conf_is_understood():
    """A part of a comment that begins as a range does is one, so that no slip of the pen lets every value pass."""
    begins = re.compile(r"(any|whole|numbers?) |(above|-?\d[\d.]*) (\d|to|or more)")
    found = [part for comment in comments_of_keys("train", {}).values() for part in parts_of(comment)]
    ranges = [part for part in found if begins.match(part)]
    assert len(ranges) > 30
    assert [part for part in ranges if not RANGE.fullmatch(part)] == []


def test_units_may_be_fractions():
    assert expected_value("features.hop_ms", 10, 12.5, "") is None
    assert expected_value("features.hop_ms", 10, 0, "") == "a number above 0"


@pytest.mark.parametrize("encoder", ["conformer", "conformer_large"])
def test_a_file_keeps_the_comments_of_the_file_it_builds_upon(encoder):
    comments = comments_of_keys("train", {"encoder": encoder, "encoder/subsampling": "conv"})
    assert comments["encoder.dropout"] == "0 to 1"
    assert comments["encoder.subsampling.factor"] == "1, 2, 4 or 8"
    assert "encoder.context" not in comments
