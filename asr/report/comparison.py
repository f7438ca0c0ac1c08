"""Several runs side by side on one page: scores, curves, configurations, and the utterances where they differ most."""

from collections.abc import Sequence
from pathlib import Path

from asr.errors import UserError
from asr.report import page
from asr.report.numbers import NONE, bounds, clock, count, interval, is_number, percent, probability
from asr.report.plots import SERIES, compared_curves
from asr.runs.files import Record, RunFiles, read_run
from asr.runs.folder import flat
from asr.tasks.transcribe.report.utterances import filters
from asr.tasks.transcribe.scoring.confusions import AlignedWord, align_words
from asr.tasks.transcribe.scoring.significance import compare
from asr.writing import write_whole

UTTERANCES_SHOWN = 500
PREFERRED = ("test", "dev", "all", "train")  # split that is compared, where several runs have several
NOT_COMPARED = ("run_dir", "name", "environment.started")  # these always differ
LEGEND = (
    "A word struck out was missed, an underlined one was not said, a dotted line marks a word that stands in place of"
    " another."
)


def write_comparison(folders: Sequence[Path], path: Path) -> Path:
    """Write the page of several run or evaluation folders to `path`; returns it.

    Raises UserError where fewer than two are given, or one of them has no scores, or none of a split that all have.
    """
    if len(folders) < 2:
        raise UserError("a comparison takes two runs or more: asr compare RUN RUN …")
    runs = [_scored(Path(folder)) for folder in folders]
    for run, name in zip(runs, names_of(folders), strict=True):
        run.name = name
    split = _split_of(runs)
    sections = [
        page.section(f"Scores ({split})", _scores(runs, split), _same_set(runs, split), _differences(runs, split)),
        page.section("Learning curves", _curves(runs)),
        page.section("Where the configurations differ", _configurations(runs)),
        page.section(f"Utterances where they differ most ({split})", _utterances(runs, split)),
    ]
    title = f"Comparison of {len(runs)} runs"
    write_whole(path, page.page(title, [f"<h1>{title}</h1>", page.contents(sections), *sections]))
    return path


def names_of(folders: Sequence[Path]) -> list[str]:
    """As much of the end of every path as tells it from the others."""
    parts = [Path(folder).resolve().parts for folder in folders]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-length:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{'/'.join(each[-1:])} ({place})" for place, each in enumerate(parts, start=1)]  # one given twice


def _scored(folder: Path) -> RunFiles:
    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder; give those of finished trainings or evaluations, such as runs/demo/…"
        )
    run = read_run(folder)
    if not any(is_number(scores.get("wer")) for scores in run.metrics.values()):
        raise UserError(
            f"{folder}: no scores in it (metrics.json); give the folder of a finished training or evaluation"
        )
    return run


def _split_of(runs: Sequence[RunFiles]) -> str:
    """The split that all have scores of."""
    scored = [{name for name, scores in run.metrics.items() if is_number(scores.get("wer"))} for run in runs]
    shared = set.intersection(*scored)
    if not shared:
        have = "; ".join(f"{run.name}: {', '.join(sorted(names))}" for run, names in zip(runs, scored, strict=True))
        raise UserError(f"the runs have no split in common ({have}); score them on one: python evaluate.py run=…")
    return next((name for name in PREFERRED if name in shared), min(shared))


def _scores(runs: Sequence[RunFiles], split: str) -> str:
    """A line a run, best first."""
    runs = sorted(runs, key=lambda run: run.metrics[split]["wer"])
    columns = ["Run", "#WER", "#95 % interval", "#CER", "#Parameters", "#Training", "#Audio s/s", "#Epochs"]
    bars = [(run.metrics[split]["wer"], bounds(run.metrics[split].get("wer_ci95"))) for run in runs]
    return page.table(columns, [_score(run, split) for run in runs], bars)


def _score(run: RunFiles, split: str) -> list[str]:
    scores, train = run.metrics[split], run.metrics.get("train", {})
    took, speed, epochs = (train.get(key) for key in ("seconds", "audio_seconds_per_second", "epochs"))
    return [
        run.name,
        percent(scores["wer"]),
        interval(scores.get("wer_ci95")),
        percent(scores.get("cer")),
        count(train.get("parameters")),
        clock(took) if is_number(took) else NONE,
        count(round(speed)) if is_number(speed) else NONE,
        f"{epochs:.4g}" if is_number(epochs) else NONE,
    ]


def _differences(runs: Sequence[RunFiles], split: str) -> str:
    """Whether the best run is better than the others, or only luckier; nothing where they heard different sets."""
    best, *others = sorted(runs, key=lambda run: run.metrics[split]["wer"])
    spoken = {str(record.get("id")): record for record in _of_split(best, split)}
    rows = []
    for run in others:
        heard = {str(record.get("id")): record for record in _of_split(run, split)}
        if len(spoken) < 2 or {k: r["reference"] for k, r in heard.items()} != {
            k: r["reference"] for k, r in spoken.items()
        }:
            continue
        references, hypotheses = ([record[key] for record in spoken.values()] for key in ("reference", "hypothesis"))
        speakers = [record.get("speaker") for record in spoken.values()]
        theirs = [heard[name]["hypothesis"] for name in spoken]
        found = compare(references, theirs, hypotheses, speakers)
        low, high = found.difference_ci95
        expected = f"{100 * low:+.1f} to {100 * high:+.1f}"
        rows.append(
            [
                run.name,
                f"{100 * found.difference:+.1f}",
                expected,
                probability(found.bootstrap_p),
                probability(found.mapsswe.p),
            ]
        )
    columns = ["Run", "#More WER, points", "#95 % interval", "#p, bootstrap over speakers", "#p, MAPSSWE"]
    if not rows:
        return ""
    told = (
        f"Against {best.name}, on the same utterances: a difference with p below 0.05 would rarely come about by luck."
    )
    question = page.escape(f"Is {best.name} better, or luckier?")
    return f"<h3>{question}</h3>{page.paragraph(told)}{page.table(columns, rows)}"


def _same_set(runs: Sequence[RunFiles], split: str) -> str:
    """A warning where scores are of different sets."""
    sets = [{(r.get("id"), r["reference"]) for r in _of_split(run, split)} for run in runs]
    if all(each == sets[0] for each in sets):
        return ""
    shared = len(set.intersection(*sets))
    sizes = ", ".join(f"{run.name}: {len(each)}" for run, each in zip(runs, sets, strict=True))
    return page.note(
        f"These runs were scored on different sets ({sizes} utterances; all share {shared} with the same transcript):"
        " their rates cannot be compared. Score them on one: python evaluate.py run=… data.source=…"
    )


def _of_split(run: RunFiles, split: str) -> list[Record]:
    return [record for record in run.hypotheses if record.get("split", split) == split]


def _curves(runs: Sequence[RunFiles]) -> str:
    figures = compared_curves({run.name: run.history for run in runs})
    inside = "".join(f"<div><h3>{page.escape(title)}</h3>{page.drawing(f)}</div>" for title, f in figures.items())
    keys = "".join(
        f'<span style="--colour:{SERIES[place % len(SERIES)]}">{page.escape(run.name)}</span>'
        for place, run in enumerate(runs)
    )
    return f'<p class="key">{keys}</p><div class="halves">{inside}</div>' if inside else ""


def _configurations(runs: Sequence[RunFiles]) -> str:
    """Every key whose values differ, a column a run."""
    known = [flat(run.config) for run in runs]
    keys = [key for key in dict.fromkeys(key for each in known for key in each) if key not in NOT_COMPARED]
    rows = [[key, *(str(each.get(key, NONE)) for each in known)] for key in keys]
    different = [row for row in rows if len(set(row[1:])) > 1]
    if not different:
        return page.paragraph("All keys have the same values.") if any(known) else ""
    return page.table(["Key", *(run.name for run in runs)], different)


def _utterances(runs: Sequence[RunFiles], split: str) -> str:
    """Utterances that all runs heard, those first whose errors differ most."""
    heard = [{str(record.get("id")): record for record in _of_split(run, split)} for run in runs]
    first, *others = heard
    ids = [
        name
        for name, record in first.items()
        if all(name in each and each[name]["reference"] == record["reference"] for each in others)
        and any(each[name]["hypothesis"] != record["hypothesis"] for each in others)
    ]
    if not ids:
        return page.paragraph("There is no utterance that all heard and any heard differently.")
    references = [first[name]["reference"] for name in ids]
    alignments = [align_words(references, [each[name]["hypothesis"] for name in ids]) for each in heard]
    errors = [[sum(a != b for a, b in own[i]) for own in alignments] for i in range(len(ids))]
    order = sorted(range(len(ids)), key=lambda i: (min(errors[i]) - max(errors[i]), -max(errors[i]), ids[i]))
    shown = order[:UTTERANCES_SHOWN]
    rows = [_row(first[ids[i]], [run.name for run in runs], [own[i] for own in alignments], errors[i]) for i in shown]
    told = f"{len(ids)} utterances were heard differently"
    told += f"; these are the {len(shown)} whose errors differ most." if len(shown) < len(ids) else "."
    orders = {"given": "Most different first", "errors": "Most errors first"}
    return page.paragraph(f"{told} {LEGEND}") + filters([first[ids[i]] for i in shown], orders) + page.rows(rows)


def _row(
    record: Record, names: Sequence[str], alignments: Sequence[Sequence[AlignedWord]], errors: Sequence[int]
) -> str:
    about = [page.isolated(str(record.get("id")))]
    if record.get("speaker"):
        about.append(f"speaker {page.isolated(str(record['speaker']))}")
    words = max(len(record["reference"].split()), 1)
    lines = [page.line("Reference", page.escape(record["reference"]))]
    for name, alignment, wrong in zip(names, alignments, errors, strict=True):
        lines.append(page.line(f"{name} {percent(wrong / words)}", page.heard(alignment)))
    data = {"id": record.get("id"), "speaker": record.get("speaker"), "errors": max(errors)}
    data |= {"duration": record["duration"]} if is_number(record.get("duration")) else {}
    inside = f'<div class="about">{" · ".join(about)}</div>{"".join(lines)}'
    return f'<div class="utterance side-by-side"{page.attributes(data)}>{inside}</div>'
