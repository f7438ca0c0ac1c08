"""Several runs side by side on one page: scores, curves, configurations, and the utterances where they differ most."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from asr.errors import UserError
from asr.report.numbers import NONE, bounds, clock, count, is_number
from asr.report.page import Section, page, part, render
from asr.report.paired import EXPLAINED, paired_cells, paired_columns
from asr.report.plots import SERIES, compared_curves, drawing
from asr.report.presentation import Presentation
from asr.report.run import rate_cells, rate_columns
from asr.report.tables import Bars, Table
from asr.runs.files import Record, RunFiles, read_run
from asr.runs.folder import with_dotted_keys
from asr.task import Rate
from asr.writing import write_whole

PREFERRED = ("test", "dev", "all", "train")  # split that is compared, where several runs have several
NOT_COMPARED = ("run_dir", "name", "environment.started")  # these always differ
SEED = 0  # of the bootstrap


def write_comparison(folders: Sequence[Path], path: Path, presentation: Presentation) -> Path:
    """Write the page of several run or evaluation folders to `path`; returns it.

    Raises UserError where fewer than two are given, or one of them has no scores, or none of a split that all have.
    """
    if len(folders) < 2:
        raise UserError("a comparison takes two runs or more: asr compare RUN RUN …")
    rate = presentation.rates[0]
    runs = [scored_run(Path(folder), rate) for folder in folders]
    for run, name in zip(runs, names_of(folders), strict=True):
        run.name = name
    split = shared_split(runs, rate)
    records = [records_of(run, split) for run in runs]
    differing = presentation.differing([run.name for run in runs], records)
    sections = [
        Section(f"Scores ({split})", scores(runs, split, presentation)),
        Section("Learning curves", curves(runs, rate)),
        Section("Where the configurations differ", configurations(runs)),
        *([Section(f"{differing.title} ({split})", differing.content)] if differing else []),
    ]
    write_whole(path, page(f"Comparison of {len(runs)} runs", sections))
    return path


def names_of(folders: Sequence[Path]) -> list[str]:
    """As much of the end of every path as tells it from the others."""
    parts = [Path(folder).resolve().parts for folder in folders]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-length:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{'/'.join(each[-1:])} ({place})" for place, each in enumerate(parts, start=1)]  # one given twice


def scored_run(folder: Path, rate: Rate) -> RunFiles:
    """The files of a run that has scores; UserError where there are none."""
    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder; give those of finished trainings or evaluations, such as runs/demo/…"
        )
    run = read_run(folder)
    if not any(is_number(found.get(rate.name)) for found in run.metrics.values()):
        raise UserError(
            f"{folder}: no scores in it (metrics.json); give the folder of a finished training or evaluation"
        )
    return run


def shared_split(runs: Sequence[RunFiles], rate: Rate) -> str:
    """The split that all have scores of."""
    scored = [{name for name, found in run.metrics.items() if is_number(found.get(rate.name))} for run in runs]
    shared = set.intersection(*scored)
    if not shared:
        have = "; ".join(f"{run.name}: {', '.join(sorted(names))}" for run, names in zip(runs, scored, strict=True))
        raise UserError(f"the runs have no split in common ({have}); score them on one: python evaluate.py run=…")
    return next((name for name in PREFERRED if name in shared), min(shared))


def scores(runs: Sequence[RunFiles], split: str, presentation: Presentation) -> Markup:
    """A line a run, best first; whether the best is better than the others, or only luckier."""
    rates, rate = presentation.rates, presentation.rates[0]
    ranked = sorted(runs, key=lambda run: rate.cost(run.metrics[split][rate.name]))
    columns = ["Run", *rate_columns(rates), "#Parameters", "#Training", "#Audio s/s", "#Epochs"]
    rows = [[run.name, *rate_cells(run.metrics[split], rates), *training_cells(run)] for run in ranked]
    bars = [(run.metrics[split][rate.name], bounds(run.metrics[split].get(f"{rate.name}_ci95"))) for run in ranked]
    return render(
        "comparison_scores.html",
        scores=Table(columns, rows, Bars.of(rate, bars)),
        warning=warning_of_different_sets(runs, split),
        best=ranked[0].name,
        tests=paired_tests(ranked, split, presentation),
        explained=EXPLAINED,
    )


def training_cells(run: RunFiles) -> list[str]:
    """Size of the model, and time, speed and epochs of its training."""
    train = run.metrics.get("train", {})
    seconds, speed, epochs = (train.get(key) for key in ("seconds", "audio_seconds_per_second", "epochs"))
    return [
        count(train.get("parameters")),
        clock(seconds) if is_number(seconds) else NONE,
        count(round(speed)) if is_number(speed) else NONE,
        f"{epochs:.4g}" if is_number(epochs) else NONE,
    ]


def paired_tests(ranked: Sequence[RunFiles], split: str, presentation: Presentation) -> Table:
    """Every run against the best one, as far as both were scored on the same utterances."""
    best, *others = ranked
    best_records = by_id(best, split)
    found: dict[str, Mapping[str, Any]] = {}
    for run in others:
        records = by_id(run, split)
        if references(records) == references(best_records):
            lines = [records[name] for name in best_records]
            tested = presentation.compare(lines, list(best_records.values()), SEED)
            found |= {run.name: tested} if tested is not None else {}
    columns = paired_columns(f"More {presentation.rates[0].title}", list(found.values()))
    return Table(["Run", *columns], [[name, *paired_cells(tested, columns)] for name, tested in found.items()])


def warning_of_different_sets(runs: Sequence[RunFiles], split: str) -> str:
    """What to say where scores are of different sets."""
    sets = [{(record.get("id"), record["reference"]) for record in records_of(run, split)} for run in runs]
    if all(each == sets[0] for each in sets):
        return ""
    shared = len(set.intersection(*sets))
    sizes = ", ".join(f"{run.name}: {len(each)}" for run, each in zip(runs, sets, strict=True))
    return (
        f"These runs were scored on different sets ({sizes} utterances; all share {shared} with the same transcript):"
        " their rates cannot be compared. Score them on one: python evaluate.py run=… data.source=…"
    )


def records_of(run: RunFiles, split: str) -> list[Record]:
    return [record for record in run.hypotheses if record.get("split", split) == split]


def by_id(run: RunFiles, split: str) -> dict[str, Record]:
    return {str(record.get("id")): record for record in records_of(run, split)}


def references(records: dict[str, Record]) -> dict[str, str]:
    return {name: record["reference"] for name, record in records.items()}


def curves(runs: Sequence[RunFiles], rate: Rate) -> Markup:
    """The learning curves of all runs over one another."""
    figures = compared_curves({run.name: run.history for run in runs}, rate)
    return render(
        "comparison_curves.html",
        figures=[(title, drawing(figure)) for title, figure in figures.items()],
        key=[(run.name, SERIES[place % len(SERIES)]) for place, run in enumerate(runs)],
    )


def configurations(runs: Sequence[RunFiles]) -> Markup:
    """Every key whose values differ, a column a run."""
    known = [with_dotted_keys(run.config) for run in runs]
    keys = [key for key in dict.fromkeys(key for each in known for key in each) if key not in NOT_COMPARED]
    rows = [[key, *(str(each.get(key, NONE)) for each in known)] for key in keys]
    different = [row for row in rows if len(set(row[1:])) > 1]
    if not different:
        return part("paragraph", "All keys have the same values." if any(known) else "")
    return part("table", Table(["Key", *(run.name for run in runs)], different))
