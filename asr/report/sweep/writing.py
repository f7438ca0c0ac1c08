"""A sweep's report.html: written as it goes and when it is over, from the study and the sweep's folder."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup
from optuna.trial import FrozenTrial
from plotly.offline import get_plotlyjs

from asr.report.page import Section, asset, page, part
from asr.report.sweep.headline import beside, best_of_each, headline, headline_so_far
from asr.report.sweep.hparams import write_hparams
from asr.report.sweep.importances import importances
from asr.report.sweep.objectives import objectives_of
from asr.report.sweep.plots import plots, slices
from asr.report.sweep.provenance import provenance
from asr.report.sweep.trials import table
from asr.tuning.summary import SUMMARY
from asr.tuning.sweep import Sweep
from asr.writing import write_whole

REPORT = "report.html"
PLOT = Markup('<div class="plot"')  # the page holds plotly only where this is
EVERY_S = 60.0  # while the sweep goes on
WRITING_SHARE = 0.05  # of the time, that writing may take


@dataclass
class Report:
    """The page of one sweep, which begins with what conf/tune.yaml describes (`settings`) and the command's words."""

    sweep: Sweep
    settings: Mapping[str, Any]
    command: Sequence[str]
    due: float = 0.0
    written_of: list[Any] = field(default_factory=list)

    def write_if_due(self, trials: Sequence[FrozenTrial], finals: Sequence[FrozenTrial], seconds: float) -> None:
        """Write the page if trials have changed and the last writing is long enough ago."""
        known = [(trial.state, len(trial.intermediate_values)) for trial in (*trials, *finals)]
        if time.monotonic() < self.due or known == self.written_of:
            return
        began, self.written_of = time.monotonic(), known
        self.write(trials, finals, seconds)
        took = time.monotonic() - began
        self.due = time.monotonic() + max(EVERY_S, took / WRITING_SHARE)

    def write(self, trials: Sequence[FrozenTrial], finals: Sequence[FrozenTrial], seconds: float) -> Path:
        """seconds: that the sweep has taken so far."""
        write_hparams(self.sweep, trials)
        made = provenance(self.sweep, self.settings, self.command, trials)
        return write_report(self.sweep, trials, finals, made, seconds)


def write_report(
    sweep: Sweep,
    trials: Sequence[FrozenTrial],
    finals: Sequence[FrozenTrial],
    made: Sequence[tuple[str, str]],
    seconds: float,
) -> Path:
    """Write report.html into the folder of a sweep; returns its path. The page loads nothing from elsewhere.

    made: how the sweep was made, as names and what they are.
    """
    summary = json.loads(file.read_text("utf-8")) if (file := sweep.folder / SUMMARY).is_file() else None
    outcome = headline(sweep, summary, trials) if summary else headline_so_far(sweep, trials, finals, seconds)
    rate, objectives = sweep.rate, objectives_of(sweep)
    sections = [
        Section("", outcome),
        Section("Side by side, on test", beside((summary or {}).get("side_by_side"))),
        Section("Best of each", best_of_each(trials, objectives, rate)),
        Section("The search", plots(trials, objectives, rate)),
        Section("Which parameters matter", importances(trials, objectives, rate)),
        Section("Each parameter alone", slices(trials, objectives, rate)),
        Section("Trials", table(trials, objectives, rate, sweep.folder)),
        Section("How it was made", part("facts", made)),
    ]
    heading = f"search={sweep.name}" + ("" if summary else " (unfinished)")
    drawn = any(PLOT in section.content for section in sections)
    scripts = [*([get_plotlyjs()] if drawn else []), asset("sweep.js")]
    styles = ("report.css", "sweep.css")
    path = sweep.folder / REPORT
    write_whole(path, page(f"{heading} – sweep report", sections, heading, "", scripts, styles))
    return path
