"""What the pages know of a task: its rates, and the parts of a page that only it can make."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from asr.report.page import Section
from asr.runs.files import Record, RunFiles
from asr.task import Rate


class Presentation(Protocol):
    """A task as its reports show it. Records are lines of hypotheses.jsonl."""

    @property
    def title(self) -> str:
        """What the task is called, such as speech recognition."""

    @property
    def rates(self) -> Sequence[Rate]:
        """What runs are judged by, the deciding one first; metrics.json has `<name>` and `<name>_ci95` of each."""

    @property
    def counts(self) -> Sequence[tuple[str, str]]:
        """Keys of further numbers in a split's metrics, such as words, and the titles of their columns."""

    def sections(
        self, run: RunFiles, split: str, records: Sequence[Record], media: Mapping[str, Any]
    ) -> Sequence[Section]:
        """The task's parts of a run's report: what went wrong, where, and the utterances of `split`.

        media: what there is to hear and see of utterances, by their id.
        """

    def differing(self, names: Sequence[str], records: Sequence[Sequence[Record]]) -> Section | None:
        """A comparison's part with the utterances that runs answered differently; `names` and `records` of each run."""

    def score_lines(self, lines: Sequence[Record], seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """What metrics.json and errors.json hold of lines of hypotheses.jsonl, of one model or of several folds'."""

    def interval(self, lines: Sequence[Record], rate: Rate) -> Sequence[float] | None:
        """The 95 % interval [low, high] of a rate over lines, of one or several trainings; None where there is none."""

    def compare(
        self, lines: Sequence[Record], others: Sequence[Record], seed: int, rate: Rate | None = None
    ) -> Mapping[str, Any] | None:
        """The paired test of two runs on the same utterances in the same order; None where they cannot be compared.

        It holds at least difference (of `rate`, the first by default, lines − others), difference_ci95, bootstrap_p,
        bootstrap_over.
        An entry that is a mapping with `p` is a further test, shown by its `title` or its key in capitals.
        """
