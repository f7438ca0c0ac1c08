"""A run's report.html: how good the model is, how it became so, and what it gets wrong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from asr.evaluation.bootstrap import FEW_UNITS
from asr.report.numbers import count, interval, is_number, percent
from asr.report.page import Section, page, part, render
from asr.report.plots import drawing, learning_curves
from asr.report.presentation import Presentation
from asr.report.provenance import provenance
from asr.report.tables import Table
from asr.runs.files import Record, RunFiles, read_run
from asr.task import Rate
from asr.writing import write_whole

REJECTED_SHOWN = 100
UNFINISHED = "This run has no scores yet: it has not finished, or was interrupted."


def write_report(run_dir: Path, presentation: Presentation, media: Mapping[str, Any] | None = None) -> Path:
    """Write report.html into a run folder, from the files that the run has left there; returns its path.

    media: what is to be heard and seen of utterances, by their id. Files that are missing leave their part of the
    report out. The page loads nothing from elsewhere.
    """
    run = read_run(run_dir)
    split, records = split_to_show(run.hypotheses)
    sections = [
        Section("Learning curves", curves(run.history, presentation.rates)),
        *presentation.sections(run, split, records, media or {}),
        Section("Rejected utterances", rejected(run.rejected)),
        Section("How it was made", provenance(run)),
    ]
    path = Path(run_dir) / "report.html"
    title = f"{run.name} – {presentation.title} report"
    write_whole(path, page(title, sections, heading=run.name, introduction=headline(run, presentation)))
    return path


def headline(run: RunFiles, presentation: Presentation) -> Markup:
    """The rates, large and then in full."""
    rates, decisive = presentation.rates, presentation.rates[0]
    counts = dict(presentation.counts) | {"utterances": "Utterances"}
    scored = [name for name, scores in run.metrics.items() if decisive.name in scores]
    scores = {name: run.metrics[name] for name in sorted(scored, key=lambda name: (not name.startswith("test"), name))}
    columns = ["Set", *rate_columns(rates), *(f"#{title}" for title in counts.values())]
    rows = [
        [name, *rate_cells(found, rates), *(count(found.get(key)) for key in counts)] for name, found in scores.items()
    ]
    return render(
        "run_headline.html",
        notes=run.faults if scores else [*run.faults, progress(run.history, decisive)],
        cards=[card for name in list(scores)[:2] for card in cards(name, scores[name], rates, counts)],
        scores=Table(columns, rows),
        remarks=[about_intervals(scores, decisive), about_conditions(scores)],
    )


def cards(split: str, scores: Record, rates: Sequence[Rate], counts: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The rates of a split as large figures: the first one with its interval, the others with what they are out of."""
    expected = interval(scores.get(f"{rates[0].name}_ci95"))
    key, title = next(iter(counts.items()))
    remarks = [f"95 % interval {expected}" if expected else ""]
    remarks += [f"{count(scores.get(key))} {title.lower()}"] * (len(rates) - 1)
    return [
        (f"{rate.title} on {split}", percent(scores.get(rate.name)), remark)
        for rate, remark in zip(rates, remarks, strict=True)
    ]


def rate_columns(rates: Sequence[Rate]) -> list[str]:
    """The first rate with its interval, then the others."""
    decisive, *others = (f"#{rate.title}" for rate in rates)
    return [decisive, "#95 % interval", *others]


def rate_cells(scores: Record, rates: Sequence[Rate]) -> list[str]:
    """The cells below `rate_columns`."""
    decisive, *others = (percent(scores.get(rate.name)) for rate in rates)
    return [decisive, interval(scores.get(f"{rates[0].name}_ci95")), *others]


def progress(history: Sequence[Record], rate: Rate) -> str:
    """The state of a run that has no scores yet."""
    key = f"dev_{rate.name}"
    measured = [record for record in history if is_number(record.get(key))]
    if not measured:
        return UNFINISHED
    best = min(measured, key=lambda record: rate.cost(record[key]))
    steps = f"step {best.get('step')} of {measured[-1].get('step')}"
    return f"{UNFINISHED} Its best {rate.title} so far is {percent(best[key])} on dev, at {steps}."


def about_intervals(scores: Mapping[str, Record], rate: Rate) -> str:
    """What was resampled for the intervals, and whether that is enough."""
    units = {name: found["interval_units"] for name, found in scores.items() if is_number(found.get("interval_units"))}
    if not units:
        return ""
    over = " and ".join(f"{number} {scores[name].get('interval_over')} ({name})" for name, number in units.items())
    doubt = f" Fewer than {FEW_UNITS} are too few to trust an interval." if min(units.values()) < FEW_UNITS else ""
    return f"Intervals hold the {rate.title} with 95 % confidence: a bootstrap over {over}.{doubt}"


def about_conditions(scores: Mapping[str, Record]) -> str:
    """How texts were compared, and how quickly they came."""
    for name, found in scores.items():
        sentences = []
        if isinstance(found.get("normalization"), str):
            rules = found["normalization"]
            sentences.append(f"References and hypotheses are compared after the same normalization: {rules}.")
        if is_number(found.get("real_time_factor")):
            sentences.append(f"Recognising {name} took {found['real_time_factor']:.3g} s a second of audio.")
        if is_number(found.get("latency_s")):
            where = f" ({found.get('device')}, {found.get('threads')} threads)" if found.get("threads") else ""
            sentences.append(f"An utterance alone takes {found['latency_s']:.3g} s{where}.")
        if sentences:
            return " ".join(sentences)
    return ""


def curves(history: Sequence[Record], rates: Sequence[Rate]) -> Markup:
    """The learning curves beside one another."""
    figures = learning_curves(history, rates)
    return part("beside", "grid", [(title, drawing(figure)) for title, figure in figures.items()])


def split_to_show(hypotheses: Sequence[Record]) -> tuple[str, list[Record]]:
    """Its name, and the hypotheses of the test set; of dev where there is no test set; of the one there is; of all."""
    for split in ("test", "dev"):
        records = [record for record in hypotheses if record.get("split") == split]
        if records:
            return split, records
    names = {str(record.get("split")) for record in hypotheses}
    return names.pop() if len(names) == 1 else "all sets", list(hypotheses)


def rejected(records: Sequence[Record]) -> Markup:
    """How many utterances could not be used and why, and which."""
    reasons = Counter(str(record.get("reason", "unknown")) for record in records)
    remedies = {str(record.get("reason", "unknown")): str(record.get("remedy", "")) for record in records}
    rows = [[str(record.get(key, "")) for key in ("id", "split", "reason", "detail")] for record in records]
    summary = [[reason, count(number), remedies[reason]] for reason, number in reasons.most_common()]
    return render(
        "rejected.html",
        reasons=Table(["Reason", "#Utterances", "Remedy"], summary),
        listed=Table(["Utterance", "Set", "Reason", "Detail"], rows[:REJECTED_SHOWN]),
        utterances=len(records),
    )
