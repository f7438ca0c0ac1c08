"""What a sweep goes by, as its pages name it: the one place that turns a rate and objectives into titles."""

from collections.abc import Sequence
from dataclasses import dataclass

from asr.task import Rate
from asr.tuning.sweep import Sweep

FIGURES = {"parameters": "parameters", "seconds": "seconds of training", "real_time_factor": "real-time factor"}


@dataclass(frozen=True)
class Objective:
    """A value of each trial: its key in the metrics, and how a person reads it."""

    key: str
    title: str

    @property
    def is_rate(self) -> bool:
        return self.key not in FIGURES


def dev_title(rate: Rate) -> str:
    return f"dev {rate.title}"


def objectives_of(sweep: Sweep) -> Sequence[Objective]:
    """The values of its trials, in their order."""
    titles = FIGURES | {rate.name: dev_title(rate) for rate in sweep.rates}
    return [Objective(key, titles[key]) for key in sweep.objectives]
