"""A run's report.html: how good the model is, how it became so, and what it gets wrong."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from asr.evaluation import page
from asr.evaluation.confusions import align_words, count_confusions
from asr.evaluation.plots import Example, figure_of_example, is_number, learning_curves
from asr.evaluation.run_files import Record, RunFiles, read_run
from asr.writing import write_whole

UTTERANCES_SHOWN = 15  # of the worst, and as many drawn at random
SPEAKERS_SHOWN = 30
CONFUSIONS_SHOWN = 15
REJECTED_SHOWN = 100
FEW_UNITS = 10  # a bootstrap over fewer underestimates how much such sets differ
CONFIG_GROUPS = (
    "data",
    "text",
    "features",
    "augment",
    "tokenizer",
    "encoder",
    "loss",
    "optimizer",
    "schedule",
    "decoder",
)

MARKS = (
    "In the reference a word struck out was missed; in the hypothesis a word underlined was not said; a dotted line"
    " marks one word taken for another."
)


def write_report(run_dir: Path, examples: Sequence[Example] = ()) -> Path:
    """Write report.html into a run folder, from the files that the run has left there; returns its path.

    Files that are missing leave their part of the report out. The page loads nothing from elsewhere.
    """
    run = read_run(run_dir)
    split, heard = _split_to_show(run.hypotheses)
    configuration = page.listing("Configuration", run.config_text) if run.config_text else ""
    body = [
        _headline(run),
        page.section("What was trained", page.facts(_facts(run)), configuration),
        page.section("Learning curves", _curves(run.history)),
        page.section("Listen and look", *map(_example, examples)),
        *_errors(split, heard),
        page.section("Rejected utterances", _rejected(run.rejected)),
    ]
    path = Path(run_dir) / "report.html"
    write_whole(path, page.page(f"{run.name} – speech recognition report", body))
    return path


def percent(fraction: object) -> str:
    """4.2 % for 0.042; a dash for what is no number."""
    return f"{100 * fraction:.1f} %" if is_number(fraction) else "–"


def _count(value: object) -> str:
    """Thousands set apart by a thin space."""
    return f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else "–"


def _interval(scores: Record) -> str:
    bounds = scores.get("wer_ci95")
    if not isinstance(bounds, list) or len(bounds) != 2:
        return ""
    return f"{percent(bounds[0])[:-2]} – {percent(bounds[1])}"


def _headline(run: RunFiles) -> str:
    """The error rates, large and then in full."""
    splits = {name: scores for name, scores in run.metrics.items() if "wer" in scores}
    ordered = sorted(splits, key=lambda name: (not name.startswith("test"), name))
    cards = []
    for name in ordered[:2]:
        interval = _interval(splits[name])
        cards += [
            (f"WER on {name}", percent(splits[name].get("wer")), f"95 % interval {interval}" if interval else ""),
            (f"CER on {name}", percent(splits[name].get("cer")), f"{_count(splits[name].get('words'))} words"),
        ]
    keys = ("words", "substitutions", "deletions", "insertions", "utterances")
    rows = [
        [name, percent(splits[name].get("wer")), _interval(splits[name]), percent(splits[name].get("cer"))]
        + [_count(splits[name].get(key)) for key in keys]
        for name in ordered
    ]
    columns = [
        "Set",
        "#WER",
        "#95 % interval",
        "#CER",
        "#Words",
        "#Substituted",
        "#Deleted",
        "#Inserted",
        "#Utterances",
    ]
    notes = [page.note(fault) for fault in run.faults]
    if not splits:
        notes.append(page.note(_progress(run.history)))
    remark = page.paragraph(_about_intervals(splits))
    return f"<h1>{page.escape(run.name)}</h1>" + "".join(notes) + page.cards(cards) + page.table(columns, rows) + remark


def _progress(history: Sequence[Record]) -> str:
    """What can be said of a run without scores."""
    measured = [record for record in history if is_number(record.get("dev_wer"))]
    if not measured:
        return "This run has no scores yet: it has not finished, or was interrupted."
    best = min(measured, key=lambda record: record["dev_wer"])
    return (
        f"This run has no scores yet: it has not finished, or was interrupted. Its best validation so far is a WER of"
        f" {percent(best['dev_wer'])} on dev, at step {best.get('step')} of {measured[-1].get('step')}."
    )


def _about_intervals(splits: Record) -> str:
    known = {name: scores for name, scores in splits.items() if is_number(scores.get("interval_units"))}
    if not known:
        return ""
    over = " and ".join(
        f"{scores['interval_units']} {scores.get('interval_over')} ({n})" for n, scores in known.items()
    )
    few = any(scores["interval_units"] < FEW_UNITS for scores in known.values())
    doubt = " Over so few, an interval is itself uncertain." if few else ""
    return f"Intervals hold the WER with 95 % confidence: a bootstrap over {over}.{doubt}"


def _facts(run: RunFiles) -> list[tuple[str, str]]:
    """The configuration's groups in one line each, and what training took."""
    rows = [(group.capitalize(), _one_line(run.config[group])) for group in CONFIG_GROUPS if run.config.get(group)]
    train = run.metrics.get("train", {})
    took: dict[str, tuple[str, Any]] = {
        "parameters": ("Parameters", _count),
        "seconds": ("Training time", _duration),
        "epochs": ("Epochs", lambda epochs: f"{epochs:.4g}"),
        "audio_seconds_per_second": ("Throughput", lambda rate: f"{_count(round(rate))} s of audio per second"),
        "data_wait_share": ("Waiting for data", lambda share: f"{share:.1%} of the steps' time"),
        "peak_memory_mib": ("Peak memory", lambda mib: f"{_count(round(mib))} MiB"),
    }
    for key, (name, shown) in took.items():
        if is_number(train.get(key)):
            rows.append((name, shown(train[key])))
    if run.model_bytes:
        rows.append(("Model file", f"{run.model_bytes / 2**20:.1f} MiB"))
    return rows


def _one_line(group: object) -> str:
    """Conformer(dim=144, layers=16) for a group of the configuration; a part within it by its name alone."""
    if isinstance(group, list):
        return ", ".join(_one_line(part) for part in group)
    if not isinstance(group, dict):
        return str(group)
    name = str(group.get("_target_", "")).removesuffix(".train").rpartition(".")[2]
    arguments = []
    for key, value in group.items():
        if key.startswith("_") or value is None:
            continue
        nested = isinstance(value, dict) and "_target_" in value
        arguments.append(f"{key}={_one_line({'_target_': value['_target_']}) if nested else value}")
    return f"{name}({', '.join(arguments)})" if name and arguments else name or ", ".join(arguments)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _curves(history: Sequence[Record]) -> str:
    figures = learning_curves(history)
    inside = "".join(f"<div><h3>{page.escape(title)}</h3>{page.drawing(f)}</div>" for title, f in figures.items())
    return f'<div class="grid">{inside}</div>' if inside else ""


def _example(example: Example) -> str:
    alignment = align_words([example.reference], [example.hypothesis])[0]
    return (
        f"<h3>{page.escape(example.id)}</h3>{page.audio(example.samples, example.sample_rate)}"
        f'<div class="utterance">{page.compared(alignment)}</div>{page.drawing(figure_of_example(example), wide=True)}'
    )


def _split_to_show(hypotheses: Sequence[Record]) -> tuple[str, list[Record]]:
    """Its name, and the hypotheses of the test set; of dev where there is no test set, of all where neither."""
    for split in ("test", "dev"):
        records = [record for record in hypotheses if record.get("split") == split]
        if records:
            return split, records
    return "all sets", list(hypotheses)


def _errors(split: str, records: Sequence[Record]) -> Iterable[str]:
    """The sections that say what goes wrong."""
    alignments = align_words([r["reference"] for r in records], [r["hypothesis"] for r in records])
    errors = [sum(spoken != heard for spoken, heard in alignment) for alignment in alignments]
    by_wer = [n / max(len(r["reference"].split()), 1) for n, r in zip(errors, records, strict=True)]
    shown = [_utterance(*item) for item in zip(records, alignments, by_wer, strict=True)]
    # Of equally bad utterances, the one with more errors teaches more.
    order = sorted(range(len(records)), key=lambda i: (-by_wer[i], -errors[i], i))
    worst = [shown[i] for i in order[:UTTERANCES_SHOWN] if errors[i]]
    drawn = sorted(random.Random(0).sample(range(len(records)), min(UTTERANCES_SHOWN, len(records))))
    marks = page.paragraph(MARKS)
    yield page.section(f"Worst utterances ({split})", *([marks, *worst] if worst else []))
    yield page.section(f"Utterances drawn at random ({split})", *(shown[i] for i in drawn))
    yield page.section(f"Speakers ({split})", _speakers(records, errors))
    yield page.section(f"Frequent confusions ({split})", _confusions(alignments))


def _utterance(record: Record, alignment: list, wer: float) -> str:
    known = [str(record.get("id", ""))]
    if record.get("speaker"):
        known.append(f"speaker {record['speaker']}")
    if is_number(record.get("duration")):
        known.append(f"{record['duration']:.1f} s")
    known.append(f"WER {percent(wer)}")
    return f'<div class="utterance">{page.paragraph(" · ".join(known))}{page.compared(alignment)}</div>'


def _speakers(records: Sequence[Record], errors: Sequence[int]) -> str:
    """The speakers by their word error rate, worst first; nothing where fewer than two are known."""
    totals: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])  # utterances, words, errors
    for record, wrong in zip(records, errors, strict=True):
        if record.get("speaker"):
            total = totals[str(record["speaker"])]
            total[:] = total[0] + 1, total[1] + len(record["reference"].split()), total[2] + wrong
    if len(totals) < 2:
        return ""
    rates = {speaker: wrong / max(words, 1) for speaker, (_, words, wrong) in totals.items()}
    worst = sorted(rates, key=lambda speaker: (-rates[speaker], speaker))[:SPEAKERS_SHOWN]
    rows = [[s, _count(totals[s][0]), _count(totals[s][1]), percent(rates[s])] for s in worst]
    longest = max(rates.values()) or 1.0
    bars = page.table(["Speaker", "#Utterances", "#Words", "#WER"], rows, bar=[rates[s] / longest for s in worst])
    left_out = len(rates) - len(worst)
    return bars + (page.paragraph(f"{left_out} more speakers have lower rates.") if left_out else "")


def _confusions(alignments: Sequence[list]) -> str:
    confusions = count_confusions(alignments)
    pairs = [[f"{a} → {b}", _count(n)] for (a, b), n in confusions.substitutions.most_common(CONFUSIONS_SHOWN)]
    tables = [page.table(["Substituted", "#Times"], pairs)]
    for title, counts in (("Deleted", confusions.deletions), ("Inserted", confusions.insertions)):
        rows = [[word, _count(n)] for word, n in counts.most_common(CONFUSIONS_SHOWN)]
        tables.append(page.table([title, "#Times"], rows))
    inside = "".join(f"<div>{table}</div>" for table in tables if table)
    return f'<div class="grid">{inside}</div>' if inside else ""


def _rejected(records: Sequence[Record]) -> str:
    """How many utterances could not be used and why, and which."""
    if not records:
        return ""
    reasons = Counter(str(record.get("reason", "unknown")) for record in records)
    remedies = {str(record.get("reason", "unknown")): str(record.get("remedy", "")) for record in records}
    summary = page.table(
        ["Reason", "#Utterances", "Remedy"],
        [[reason, _count(n), remedies[reason]] for reason, n in reasons.most_common()],
    )
    rows = [[str(r.get(key, "")) for key in ("id", "split", "reason", "detail")] for r in records[:REJECTED_SHOWN]]
    which = page.table(["Utterance", "Set", "Reason", "Detail"], rows)
    more = f"the first {REJECTED_SHOWN} of {len(records)}" if len(records) > REJECTED_SHOWN else f"all {len(records)}"
    return f"{summary}<details><summary>Which: {more}, from rejected.jsonl</summary>{which}</details>"
