"""What a sweep asks of the task's measurement: how sure a rate is, and whether one training beats another."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from asr.task import Rate

Line = Mapping[str, Any]  # of hypotheses.jsonl


class Judge(Protocol):
    """The lines are those of one or several trainings on the same utterances of dev."""

    def interval(self, lines: Sequence[Line], rate: Rate) -> Sequence[float] | None:
        """The 95 % interval [low, high] of the rate over all lines; None where there is too little to say."""

    def tested(self, winner: Sequence[Line], rival: Sequence[Line], rate: Rate) -> dict[str, Any]:
        """Paired tests of the winner against a rival, line by line on the same utterances.

        `difference` and `difference_ci95` of the rate, `bootstrap_p`, and further tests as {name: {"p": …}}; empty
        where they cannot be compared.
        """
