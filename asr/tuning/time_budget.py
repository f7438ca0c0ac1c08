"""The time that a sweep has, and the time that it took."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from optuna.trial import FrozenTrial, TrialState

from asr.tuning.sweep import RESERVED_SHARE, Sweep
from asr.writing import write_whole


@dataclass(frozen=True)
class TimeBudget:
    """Until when (time.time()) a sweep may go on, and until when it may start trials."""

    sweep: Sweep
    until: float

    @property
    def reserved_s(self) -> float:
        """Seconds set aside for the winner's score on test and the reports."""
        return 60 * RESERVED_SHARE * (self.sweep.total_minutes or 0)

    def has_time_for_trial(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether one more trial, as long as those before it, leaves the finals their time."""
        return time.time() + 0.9 * self.seconds_of_trial(trials) <= self.trials_until(trials)

    def has_time_for_final(self, trials: Sequence[FrozenTrial], finals: Sequence[FrozenTrial]) -> bool:
        """Whether one more training of the finals fits in."""
        final = median_seconds(finals) or self.seconds_of_final(trials)
        return time.time() + 0.9 * final <= self.until - self.reserved_s

    def trials_until(self, trials: Sequence[FrozenTrial]) -> float:
        """When trials have to end, so that the finals fit in."""
        if self.until == math.inf:
            return math.inf
        return self.until - self.reserved_s - self.sweep.final_rounds * self.seconds_of_final(trials)

    def seconds_of_trial(self, trials: Sequence[FrozenTrial]) -> float:
        """Seconds of a whole trial: the median so far; before any is done, the length that was asked for."""
        return median_seconds(trials) or 60 * (self.sweep.trial_minutes or 0) * (self.sweep.folds or 1)

    def seconds_of_final(self, trials: Sequence[FrozenTrial]) -> float:
        """Seconds of one training of the finals, before any is done."""
        if self.sweep.finals.minutes:
            return 60 * self.sweep.finals.minutes
        return self.seconds_of_trial(trials) / (self.sweep.folds or 1)


def median_seconds(trials: Sequence[FrozenTrial]) -> float | None:
    """The median of the seconds that finished trials took; None where there are none."""
    whole = [each.duration.total_seconds() for each in trials if each.state == TrialState.COMPLETE and each.duration]
    return median(whole) if whole else None


class TimeSpent:
    """Seconds that a sweep has run for, over interruptions, in a file of its folder."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "time.json"
        self.seconds_before = json.loads(self.file.read_text("utf-8"))["seconds"] if self.file.is_file() else 0.0
        self.started = time.time()

    @property
    def seconds(self) -> float:
        return self.seconds_before + time.time() - self.started

    def until(self, total_minutes: float | None) -> float:
        """When the sweep has to be over, as time.time()."""
        return math.inf if total_minutes is None else self.started + 60 * total_minutes - self.seconds_before

    def save(self) -> None:
        write_whole(self.file, json.dumps({"seconds": round(self.seconds, 1)}))
