"""Paired tests of two runs, as a row of a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from asr.report.numbers import NONE, is_number, points, probability

EXPLAINED = "A difference with p below 0.05 would rarely come about by luck."


def further_tests(found: Mapping[str, Any]) -> dict[str, float]:
    """The p of every test beside the bootstrap, by the test's title."""
    tests = {key: value for key, value in found.items() if isinstance(value, Mapping) and is_number(value.get("p"))}
    return {str(test.get("title", key.upper())): test["p"] for key, test in tests.items()}


def paired_columns(rate: str, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Titles of the columns of these tests; rate: what the difference is of."""
    titles = dict.fromkeys(title for each in found for title in further_tests(each))
    over = next((each["bootstrap_over"] for each in found if "bootstrap_over" in each), "speakers")
    return [f"#{rate}, points", "#95 % interval", f"#p, bootstrap over {over}", *(f"#p, {title}" for title in titles)]


def paired_cells(found: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """A row below such columns; dashes where there was nothing to test."""
    if "bootstrap_p" not in found:
        return [NONE, *[""] * (len(columns) - 1)]
    low, high = map(points, found["difference_ci95"])
    tests = {f"#p, {title}": probability(p) for title, p in further_tests(found).items()}
    return [
        points(found["difference"]),
        f"{low} to {high}",
        probability(found["bootstrap_p"]),
        *(tests.get(title, "") for title in columns[3:]),
    ]
