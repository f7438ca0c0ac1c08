"""What a sweep goes by, as its pages name and order it: the one place that turns rates and objectives into titles."""

from collections.abc import Sequence
from dataclasses import dataclass

from asr.task import Rate
from asr.tuning.sweep import Sweep

COST_TITLES = {"parameters": "parameters", "seconds": "seconds of training", "real_time_factor": "real-time factor"}


@dataclass(frozen=True)
class Objective:
    """A value of each trial: its key in the metrics, how a person reads it, and the rate on dev where it is one."""

    key: str
    title: str
    rate: Rate | None = None

    @property
    def higher_is_better(self) -> bool:
        return self.rate is not None and self.rate.higher_is_better

    def cost(self, value: float) -> float:
        """The value so that less is better, to sort by."""
        return -value if self.higher_is_better else value


def on_dev(rate: Rate) -> Objective:
    return Objective(rate.name, f"dev {rate.title}", rate)


def objectives_of(sweep: Sweep) -> Sequence[Objective]:
    """The values of a sweep's trials, in their order."""
    rates = {rate.name: rate for rate in sweep.rates}
    return [on_dev(rates[key]) if key in rates else Objective(key, COST_TITLES[key]) for key in sweep.objectives]
