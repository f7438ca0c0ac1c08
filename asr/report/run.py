"""A run's report.html: how good the model is, how it became so, and what it gets wrong."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from asr.report import page
from asr.report.numbers import count, interval, is_number, percent
from asr.report.plots import learning_curves
from asr.report.provenance import provenance
from asr.runs.files import Record, RunFiles, read_run
from asr.tasks.transcribe.report.clips import Clip
from asr.tasks.transcribe.report.subsets import calibration, speakers, subsets
from asr.tasks.transcribe.report.utterances import utterances
from asr.tasks.transcribe.scoring.confusions import align_words, count_confusions
from asr.writing import write_whole

CONFUSIONS_SHOWN = 15
REJECTED_SHOWN = 100
FEW_UNITS = 10  # a bootstrap over fewer underestimates how much such sets differ


def write_report(run_dir: Path, clips: Mapping[str, Clip] | None = None) -> Path:
    """Write report.html into a run folder, from the files that the run has left there; returns its path.

    clips: what is to be heard and seen of utterances, by their id. Files that are missing leave their part of the
    report out. The page loads nothing from elsewhere.
    """
    run = read_run(run_dir)
    split, records = _split_to_show(run.hypotheses)
    scores = run.metrics.get(split, {})
    sections = [
        page.section("Learning curves", curves(run.history)),
        page.section(f"Where it errs ({split})", subsets(scores)),
        *_errors(split, records, clips or {}, run.errors.get(split, {}).get("characters")),
        page.section("Confidence", calibration(scores)),
        page.section("Rejected utterances", _rejected(run.rejected)),
        page.section("How it was made", provenance(run)),
    ]
    path = Path(run_dir) / "report.html"
    body = [_headline(run), page.contents(sections), *sections]
    write_whole(path, page.page(f"{run.name} – speech recognition report", body))
    return path


def _headline(run: RunFiles) -> str:
    """The error rates, large and then in full."""
    splits = {name: scores for name, scores in run.metrics.items() if "wer" in scores}
    ordered = sorted(splits, key=lambda name: (not name.startswith("test"), name))
    cards = []
    for name in ordered[:2]:
        expected = interval(splits[name].get("wer_ci95"))
        cards += [
            (f"WER on {name}", percent(splits[name].get("wer")), f"95 % interval {expected}" if expected else ""),
            (f"CER on {name}", percent(splits[name].get("cer")), f"{count(splits[name].get('words'))} words"),
        ]
    keys = ("words", "substitutions", "deletions", "insertions", "utterances")
    rows = [
        [
            name,
            percent(splits[name].get("wer")),
            interval(splits[name].get("wer_ci95")),
            percent(splits[name].get("cer")),
        ]
        + [count(splits[name].get(key)) for key in keys]
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
    remark = page.paragraph(_about_intervals(splits)) + page.paragraph(_about_speed(splits))
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


def _about_speed(splits: Record) -> str:
    """How the texts were compared, and how quickly they came."""
    for name, scores in splits.items():
        told = []
        if isinstance(scores.get("normalization"), str):
            told.append(
                f"References and hypotheses are compared after the same normalization: {scores['normalization']}."
            )
        if is_number(scores.get("real_time_factor")):
            told.append(f"Recognising {name} took {scores['real_time_factor']:.3g} s a second of audio.")
        if is_number(scores.get("latency_s")):
            where = f" ({scores.get('device')}, {scores.get('threads')} threads)" if scores.get("threads") else ""
            told.append(f"An utterance alone takes {scores['latency_s']:.3g} s{where}.")
        if told:
            return " ".join(told)
    return ""


def curves(history: Sequence[Record]) -> str:
    figures = learning_curves(history)
    inside = "".join(f"<div><h3>{page.escape(title)}</h3>{page.drawing(f)}</div>" for title, f in figures.items())
    return f'<div class="grid">{inside}</div>' if inside else ""


def _split_to_show(hypotheses: Sequence[Record]) -> tuple[str, list[Record]]:
    """Its name, and the hypotheses of the test set; of dev where there is no test set, of all where neither."""
    for split in ("test", "dev"):
        records = [record for record in hypotheses if record.get("split") == split]
        if records:
            return split, records
    return "all sets", list(hypotheses)


def _errors(split: str, records: Sequence[Record], clips: Mapping[str, Clip], characters: object) -> Iterable[str]:
    """The sections that say what goes wrong."""
    alignments = align_words([r["reference"] for r in records], [r["hypothesis"] for r in records])
    errors = [sum(spoken != heard for spoken, heard in alignment) for alignment in alignments]
    yield page.section(f"Speakers ({split})", speakers(records, errors))
    yield page.section(f"Frequent confusions ({split})", _confusions(alignments, characters))
    yield page.section(f"Utterances ({split})", utterances(records, alignments, clips))


def _confusions(alignments: Sequence[list], characters: object) -> str:
    """The most frequent errors; characters: those of errors.json, where it is there."""
    confusions = count_confusions(alignments)
    pairs = [(f"{a} → {b}", n) for (a, b), n in confusions.substitutions.most_common(CONFUSIONS_SHOWN)]
    tables: dict[str, list[tuple[str, int]]] = {
        "Substituted": pairs,
        "Deleted": confusions.deletions.most_common(CONFUSIONS_SHOWN),
        "Inserted": confusions.insertions.most_common(CONFUSIONS_SHOWN),
        "Characters": _characters(characters),
    }
    shown = [page.table([title, "#Times"], [[t, count(n)] for t, n in found]) for title, found in tables.items()]
    inside = "".join(f"<div>{table}</div>" for table in shown if table)
    return f'<div class="grid">{inside}</div>' if inside else ""


def _characters(found: object) -> list[tuple[str, int]]:
    pairs = found.get("substitutions") if isinstance(found, dict) else None
    known = [pair for pair in pairs if isinstance(pair, dict)] if isinstance(pairs, list) else []
    return [(f"{p.get('reference')} → {p.get('hypothesis')}", p.get("count", 0)) for p in known[:CONFUSIONS_SHOWN]]


def _rejected(records: Sequence[Record]) -> str:
    """How many utterances could not be used and why, and which."""
    if not records:
        return ""
    reasons = Counter(str(record.get("reason", "unknown")) for record in records)
    remedies = {str(record.get("reason", "unknown")): str(record.get("remedy", "")) for record in records}
    summary = page.table(
        ["Reason", "#Utterances", "Remedy"],
        [[reason, count(n), remedies[reason]] for reason, n in reasons.most_common()],
    )
    rows = [[str(r.get(key, "")) for key in ("id", "split", "reason", "detail")] for r in records[:REJECTED_SHOWN]]
    which = page.table(["Utterance", "Set", "Reason", "Detail"], rows)
    more = f"the first {REJECTED_SHOWN} of {len(records)}" if len(records) > REJECTED_SHOWN else f"all {len(records)}"
    return summary + page.folded(f"Which: {more}, from rejected.jsonl", which)
