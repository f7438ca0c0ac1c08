"""Labels as the pages of runs and comparisons show them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from asr.evaluation.bootstrap import speakers_of
from asr.evaluation.class_means import RatiosOf, misjudged, missed
from asr.evaluation.classification import compare_labels, score_labels
from asr.evaluation.label_lines import score_lines
from asr.evaluation.paired import compare_rates
from asr.report.breakdown import breakdown, confusion_matrix
from asr.report.calibration import calibration
from asr.report.clips import SoundAndPicture
from asr.report.coverage import coverage
from asr.report.embedding_map import embedding_map
from asr.report.numbers import bounds, count, interval, is_number, percent
from asr.report.page import Section, part
from asr.report.sound import Sound
from asr.report.tables import Bars, Table
from asr.report.utterances import (
    UtteranceRow,
    Words,
    choose_listed,
    compared_rows,
    facts_of,
    label_lines,
    measured_and_about,
    utterance_rows,
)
from asr.runs.files import Record, RunFiles
from asr.task import Rate

UAR, ACCURACY = Rate("uar", "UAR", higher_is_better=True), Rate("accuracy", "accuracy", higher_is_better=True)
MACRO_F1 = Rate("macro_f1", "macro-F1", higher_is_better=True)
TOP5 = Rate("top5_accuracy", "top-5 accuracy", higher_is_better=True)  # only where there are more than five labels
ERRORS_OF: dict[str, RatiosOf] = {UAR.name: missed, MACRO_F1.name: misjudged}
FEWEST_COMPARED = 2  # utterances
UTTERANCES_COMPARED = 500
LEGEND = "REF is the label that the corpus gives, HYP the one that was predicted."


class LabelPresentation:
    """Classification, judged by unweighted average recall, accuracy and macro-F1 (asr.report.presentation)."""

    title = "classification"
    rates = (UAR, ACCURACY, MACRO_F1)
    counts = (("classes", "Labels"), ("utterances", "Utterances"))

    def sections(
        self, run: RunFiles, split: str, records: Sequence[Record], media: Mapping[str, Any]
    ) -> Sequence[Section]:
        """What was taken for what, each label and group for itself, and every utterance; media: sound by id."""
        scores = run.metrics.get(split, {})
        heard = Section(f"Utterances ({split})", utterances(records, media))
        return [*label_sections(scores, split, records), heard, *sureness_sections(scores, split)]

    def differing(self, names: Sequence[str], records: Sequence[Sequence[Record]]) -> Section | None:
        """Utterances that all runs labelled, not all alike."""
        of_runs = [{str(record["id"]): record for record in each} for each in records]
        first = of_runs[0]
        shared = [name for name in first if all(name in each for each in of_runs)]
        differ = [name for name in shared if len({each[name]["hypothesis"] for each in of_runs}) > 1]
        rows = [compared_row(names, [each[name] for each in of_runs]) for name in differ[:UTTERANCES_COMPARED]]
        if not rows:
            return Section("Utterances where they differ", part("paragraph", "All runs gave all utterances one label."))
        cut = f"; these are the first {len(rows)}" if len(rows) < len(differ) else ""
        return Section(
            "Utterances where they differ", compared_rows(rows, [f"{len(differ)} were labelled differently{cut}."])
        )

    def score_lines(self, lines: Sequence[Record], seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """All rates with intervals over speakers, each label, what was taken for what."""
        return score_lines(lines, seed)

    def interval(self, lines: Sequence[Record], rate: Rate) -> Sequence[float]:
        """95 % interval of a rate, by the bootstrap that metrics.json has."""
        references, predictions, speakers = columns(lines)
        return score_labels(references, predictions, speakers).as_dict()[f"{rate.name}_ci95"]

    def over_labels(self, errors: RatiosOf) -> RatiosOf:
        """The errors that are compared, of references and predictions as lines hold them."""
        return errors

    def right(self, references: Sequence[str], predictions: Sequence[str]) -> np.ndarray:
        """(U,) what of each utterance is right, 0 to 1."""
        return np.array([spoken == found for spoken, found in zip(references, predictions, strict=True)], float)

    def compare(
        self, lines: Sequence[Record], others: Sequence[Record], seed: int, rate: Rate | None = None
    ) -> Mapping[str, Any] | None:
        """The paired bootstrap of the UAR of two runs, or of another rate."""
        if len(lines) < FEWEST_COMPARED:
            return None
        references, ours, speakers = columns(lines)
        theirs = [line["hypothesis"] for line in others]
        chosen = rate or UAR
        if chosen.name in ERRORS_OF:
            found = compare_labels(references, ours, theirs, speakers, seed, self.over_labels(ERRORS_OF[chosen.name]))
        else:
            one, other = (self.right(references, labels) for labels in (ours, theirs))
            found = compare_rates(one, other, np.ones(len(one)), speakers, seed)
        return {
            "utterances": len(lines),
            chosen.name: found.rate,
            f"{chosen.name}_against": found.rate_against,
            "difference": found.difference,
            "difference_ci95": list(found.ci95),
            "bootstrap_p": found.p,
            "bootstrap_over": found.over,
            "bootstrap_units": found.units,
            "utterances_for_power_80": found.utterances_for_power_80,
        }


def label_sections(scores: Mapping[str, Any], of_what: str, records: Sequence[Record]) -> list[Section]:
    """The rates of a label, and where it errs; of_what: the split, or the label and the split."""
    return [
        Section(f"Every rate ({of_what})", every_rate(scores)),
        Section(f"What was taken for what ({of_what})", matrix(scores.get("confusion"))),
        Section(f"Each label ({of_what})", each_label(scores.get("per_class"))),
        Section(f"Where it errs ({of_what})", breakdown(scores.get("breakdown"), ACCURACY, {"speakers": "Speakers"})),
        Section(f"Map ({of_what})", embedding_map(scores.get("embedding_map"), records)),
    ]


def sureness_sections(scores: Mapping[str, Any], of_what: str) -> list[Section]:
    """How sure a label's probabilities may make one."""
    return [
        Section(f"Confidence ({of_what})", calibration(scores.get("calibration"), "utterances")),
        Section(f"Answering only when sure ({of_what})", coverage(scores.get("coverage"))),
    ]


def columns(lines: Sequence[Record]) -> tuple[list[str], list[str], list[str | None]]:
    """References, predictions and speakers."""
    return [line["reference"] for line in lines], [line["hypothesis"] for line in lines], speakers_of(lines)


def matrix(found: object) -> Any:
    """The confusion matrix of a split's metrics; nothing where there is none."""
    if not isinstance(found, dict) or not isinstance(found.get("labels"), list):
        return part("paragraph", "")
    return confusion_matrix(found["labels"], found.get("counts", []))


def every_rate(scores: Mapping[str, Any]) -> Any:
    """A line a rate, with its interval."""
    known = [rate for rate in (UAR, ACCURACY, MACRO_F1, TOP5) if is_number(scores.get(rate.name))]
    between = [scores.get(f"{rate.name}_ci95") for rate in known]
    rows = [[rate.title, percent(scores[rate.name]), interval(ends)] for rate, ends in zip(known, between, strict=True)]
    bars = [(float(scores[rate.name]), bounds(ends)) for rate, ends in zip(known, between, strict=True)]
    return part("table", Table(["Rate", "#Value", "#95 % interval"], rows, Bars.of(UAR, bars)))


def each_label(found: object) -> Any:
    """A line a label: how many of its utterances were found, and how many that were called so are."""
    known = found.items() if isinstance(found, dict) else ()
    groups = [(label, values) for label, values in known if isinstance(values, dict)]
    rows = [
        [label, count(values.get("utterances")), *(percent(values.get(key)) for key in ("recall", "precision", "f1"))]
        for label, values in groups
    ]
    recalls = [(values["recall"] if is_number(values.get("recall")) else 0.0, None) for _, values in groups]
    titles = ["Label", "#Utterances", "#Recall", "#Precision", "#F1"]
    return part("table", Table(titles, rows, Bars.of(UAR, recalls)))


def utterances(records: Sequence[Record], media: Mapping[str, Any]) -> Any:
    """All rows with their filters, the surest errors first."""
    ordered = sorted(records, key=lambda record: (record["reference"] == record["hypothesis"], -confidence_of(record)))
    rows = [utterance_row(record, media.get(str(record.get("id")))) for record in ordered]
    return utterance_rows(choose_listed(rows), "Wrong", len(rows), LEGEND, "An opened row plays the sound.")


def utterance_row(record: Record, clip: SoundAndPicture | None) -> UtteranceRow:
    wrong = record["reference"] != record["hypothesis"]
    return UtteranceRow(
        **facts_of(record),
        grade=percent(confidence_of(record)),
        lines=label_lines(record["reference"], record["hypothesis"]),
        errors=int(wrong),
        total=1,
        sound=Sound(clip.sound, clip.sound_type, clip.picture, {"seconds": clip.seconds}) if clip else None,
        remarks=measured_and_about(record),
    )


def compared_row(names: Sequence[str], records: Sequence[Record]) -> UtteranceRow:
    reference = records[0]["reference"]
    lines: list[tuple[str, Words]] = [("Reference", [(reference, "")])]
    for name, record in zip(names, records, strict=True):
        fault = "" if record["hypothesis"] == reference else "substituted"
        lines.append((name, [(record["hypothesis"], fault)]))
    errors = sum(record["hypothesis"] != reference for record in records)
    return UtteranceRow(**facts_of(records[0]), grade="", lines=lines, errors=errors)


def confidence_of(record: Record) -> float:
    return record["confidence"] if is_number(record.get("confidence")) else 0.0
