"""What a sweep asks of the task's measurement: how sure a rate is, and whether one training beats another."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from asr.task import Rate

Line = dict[str, Any]  # of hypotheses.jsonl


class Judge(Protocol):
    """The lines are those of one or several trainings on the same utterances of dev."""

    def interval(self, lines: Sequence[Line], rate: Rate) -> Sequence[float] | None:
        """The 95 % interval [low, high] of the rate over all lines; None where there is too little to say."""

    def compare(
        self, lines: Sequence[Line], others: Sequence[Line], seed: int, rate: Rate | None = None
    ) -> Mapping[str, Any] | None:
        """Paired tests of lines against others of the same utterances, in the same order; None where there is none.

        `difference` and `difference_ci95` of the rate, `bootstrap_p`, and further tests as {name: {"p": …}}.
        """
