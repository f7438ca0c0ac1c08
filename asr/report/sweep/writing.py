"""A sweep's report.html: written as it goes and when it is over, from the study and the sweep's folder."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial
from plotly.offline import get_plotlyjs

from asr.report import page
from asr.report.sweep.headline import best_of_each, headline, so_far
from asr.report.sweep.hparams import write_hparams
from asr.report.sweep.importances import importances
from asr.report.sweep.making import making
from asr.report.sweep.plots import plots, slices
from asr.report.sweep.trials import table
from asr.tuning.summary import SUMMARY
from asr.tuning.sweep import Sweep
from asr.writing import write_whole

HERE = Path(__file__).parent
STYLE, SCRIPT = ((HERE / name).read_text("utf-8") for name in ("report.css", "report.js"))
REPORT = "report.html"
EVERY_S = 60.0  # while the sweep goes on
SHARE = 0.05  # of the time, that writing may take


@dataclass
class Report:
    """The page of one sweep, which begins with what conf/tune.yaml describes (`settings`) and the command's words."""

    sweep: Sweep
    settings: Mapping[str, Any]
    command: Sequence[str]
    due: float = 0.0
    told: list[Any] = field(default_factory=list)

    def look(self, trials: Sequence[FrozenTrial], finals: Sequence[FrozenTrial], seconds: float) -> None:
        """Write the page where there is something new and it was not written lately."""
        known = [(trial.state, len(trial.intermediate_values)) for trial in (*trials, *finals)]
        if time.monotonic() < self.due or known == self.told:
            return
        began, self.told = time.monotonic(), known
        self.write(trials, finals, seconds)
        took = time.monotonic() - began
        self.due = time.monotonic() + max(EVERY_S, took / SHARE)

    def write(self, trials: Sequence[FrozenTrial], finals: Sequence[FrozenTrial], seconds: float) -> Path:
        """seconds: that the sweep has taken so far."""
        write_hparams(self.sweep, trials)
        made = making(self.sweep, self.settings, self.command, trials)
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
    above = headline(sweep, summary, trials) if summary else so_far(sweep, trials, finals, seconds)
    drawn = plots(trials, sweep.objectives, sweep.rate.name)
    sections = [
        page.section("Best of each", best_of_each(trials, sweep.rate.name)),
        page.section("The search", *drawn),
        page.section("Which parameters matter", importances(trials, sweep.objectives, sweep.rate.name)),
        page.section("Each parameter alone", slices(trials, sweep.objectives, sweep.rate.name)),
        page.section("Trials", table(trials, sweep.objectives, sweep.rate.name, sweep.folder)),
        page.section("How it was made", page.facts(made)),
    ]
    title = f"search={sweep.name}" + ("" if summary else " (unfinished)")
    body = [f"<h1>{page.escape(title)}</h1>", page.contents(sections), above, *sections]
    scripts = [get_plotlyjs(), SCRIPT] if any('class="plot"' in part for part in sections) else [SCRIPT]
    path = sweep.folder / REPORT
    write_whole(path, page.page(f"{title} – sweep report", body, scripts, page.STYLE + STYLE))
    return path
