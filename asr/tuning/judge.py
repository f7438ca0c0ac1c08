"""The statistics that a sweep takes from the task: intervals of rates, and tests of one training against another."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from asr.task import Rate

Line = dict[str, Any]  # of hypotheses.jsonl


class Judge(Protocol):
    """The lines are those of one or several trainings on the same utterances of dev."""

    def interval(self, lines: Sequence[Line], rate: Rate) -> Sequence[float] | None:
        """The 95 % interval [low, high] of the rate over all lines; None where there is too little to say."""

    def score_lines(self, lines: Sequence[Line], seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The rates over all lines with `<name>_ci95`, and the errors; of one training or of several parts."""

    def compare(
        self, lines: Sequence[Line], others: Sequence[Line], seed: int, rate: Rate | None = None
    ) -> Mapping[str, Any] | None:
        """Paired tests of lines against others of the same utterances, in the same order; None where there is none.

        `difference` and `difference_ci95` of the rate, `bootstrap_p`, and further tests as {name: {"p": …}}.
        """
