"""Columns become numbers by what training rows hold, and by nothing else."""

import json

import numpy as np
import pytest

from asr.errors import UserError
from asr.tasks.table.columns import MOST_CATEGORIES, CategoryColumn, Encoding, NumberColumn


def test_outliers_are_clipped_by_the_quartiles_of_training_rows():
    column = NumberColumn.learn("ttr", ["1", "2", "3", "4", "5"], clipped=True)
    assert (column.low, column.high) == (2 - 1.5 * 2, 4 + 1.5 * 2)  # quartiles 2 and 4
    assert (column.mean, column.deviation) == (3, pytest.approx(2**0.5))
    assert column.encode(["100", "7", "-50", "3"])[:, 0] * 2**0.5 == pytest.approx([4, 4, -4, 0])


def test_an_outlier_of_training_moves_neither_mean_nor_deviation_beyond_its_bound():
    column = NumberColumn.learn("ttr", ["1", "2", "3", "4", "1000"], clipped=True)
    assert column.high == 7 and column.mean == pytest.approx((1 + 2 + 3 + 4 + 7) / 5)


def test_the_encoding_knows_training_rows_alone():
    cells = {"ttr": ["1", "2", "3", "4", "5", "900"], "Sex": ["Male", "Female", "Male", "Male", "Male", "Other"]}
    encoding = Encoding.learn(cells, np.arange(5), ["ttr"], ["Sex"], ["ttr"])
    (number,), (category,) = encoding.numbers, encoding.categories
    assert number.high == 7 and category.values == ["Female", "Male"]
    assert encoding.encode(cells)[5].tolist() == pytest.approx([4 / 2**0.5, 0, 0])  # clipped; no such category


def test_categories_are_zeros_and_ones_and_ties_are_both():
    column = CategoryColumn.learn("emoVote", ["A", "N", "A:S", ""])
    assert column.values == ["A", "N", "S"]
    assert column.encode(["A", "S:A", "", "H"]).tolist() == [[1, 0, 0], [1, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_only_the_most_frequent_categories_have_a_column():
    cells = [str(number) for number in range(MOST_CATEGORIES + 50)] + ["149", "149"]
    column = CategoryColumn.learn("clip", cells)
    assert len(column.values) == MOST_CATEGORIES and "149" in column.values


def test_what_is_missing_or_no_number_is_the_median_and_marked():
    column = NumberColumn.learn("level", ["1", "2", "6", "", "slow"], clipped=False)
    assert (column.fill, column.marks_missing) == (2, True)
    assert column.encode(["", "2", "x"]).tolist() == [
        [pytest.approx((2 - 2.6) / column.deviation), mark] for mark in (1, 0, 1)
    ]
    whole = NumberColumn.learn("level", ["1", "3"], clipped=False)
    assert whole.encode([""]).tolist() == [[0.0]]


def test_several_levels_of_a_tie_are_their_mean():
    assert NumberColumn.learn("level", ["62:72", "65"], clipped=False).mean == 66


def test_an_encoding_is_plain_json():
    cells = {"Age": ["20", "", "50"], "Race": ["Asian", "Caucasian", "Asian"]}
    encoding = Encoding.learn(cells, np.arange(3), ["Age"], ["Race"], [])
    again = Encoding.of(json.loads(json.dumps(encoding.as_dict())))
    assert again == encoding and again.width == 4
    assert np.array_equal(again.encode(cells), encoding.encode(cells))
    with pytest.raises(UserError, match="no column Race"):
        encoding.encode({"Age": ["1"]})


@pytest.mark.parametrize(
    "damaged",
    [{}, {"numbers": [{}], "categories": []}, {"numbers": [], "categories": [{"name": "a", "values": "abc"}]}],
)
def test_damaged_columns_are_refused(damaged):
    with pytest.raises(UserError, match="not the columns of a model"):
        Encoding.of(damaged)
