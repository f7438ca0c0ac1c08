"""A split measured for several labels at once: every utterance once through the model, each label scored as if alone.

References and predictions of all labels stand in one text, with SEPARATOR between them; rates are means over labels.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from asr.evaluation.bootstrap import RESAMPLES, resample_utterances, units_of
from asr.evaluation.class_means import MeanOfClasses, MeanOfSeveral, RatiosOf, misjudged, missed, resample_class_means
from asr.evaluation.coverage import thresholds_of
from asr.evaluation.label_lines import LISTED, score_lines
from asr.task import Measured, SplitToMeasure
from asr.tasks.classify.classifier import SeveralClassifier
from asr.tasks.classify.scoring import (
    MOST_ON_MAP,
    add_map,
    answer,
    facts_of,
    fit_temperature,
    listen,
    speed,
)

SEPARATOR = " | "  # between the labels of an utterance

Line = Mapping[str, Any]


def columns_of(targets: Sequence[str]) -> list[tuple[str, ...]]:
    """Texts (U,) of all labels -> for every label the texts (U,) of it alone; no label where there is no utterance."""
    return list(zip(*(target.split(SEPARATOR) for target in targets), strict=True))


def over_labels(errors: RatiosOf) -> RatiosOf:
    """The mean over labels of errors that are counted for one."""

    def mean(references: Sequence[str], predictions: Sequence[str], units: np.ndarray) -> MeanOfClasses:
        pairs = zip(columns_of(references), columns_of(predictions), strict=True)
        return MeanOfSeveral([errors(spoken, found, units) for spoken, found in pairs])

    return mean


def share_right(references: Sequence[str], predictions: Sequence[str]) -> np.ndarray:
    """(U,) the share of every utterance's labels that is right."""
    pairs = (
        zip(a.split(SEPARATOR), b.split(SEPARATOR), strict=True) for a, b in zip(references, predictions, strict=True)
    )
    return np.array([np.mean([spoken == found for spoken, found in each]) for each in pairs])


def score_several(
    references: Sequence[str], predictions: Sequence[str], speakers: Sequence[str | None], seed: int
) -> dict[str, Any]:
    """The rates as means over the labels, with 95 % intervals over speakers, for metrics.json."""
    units, over = units_of(speakers, len(references))
    wrong = 1 - share_right(references, predictions)
    errors = resample_utterances(wrong, np.ones(len(wrong)), units, seed, RESAMPLES)

    def resampled(errors_of: RatiosOf) -> Any:
        return resample_class_means(
            over_labels(errors_of)(references, predictions, units), references, units, seed, RESAMPLES
        )

    found = {"uar": resampled(missed), "accuracy": errors, "macro_f1": resampled(misjudged)}
    rates = {name: 1 - each.rate for name, each in found.items()}
    bounds = {f"{name}_ci95": list(each.interval_of_rest(len(references))) for name, each in found.items()}
    all_right = float(np.mean([spoken == label for spoken, label in zip(references, predictions, strict=True)]))
    return (
        rates
        | bounds
        | {
            "all_right": all_right,
            "utterances": len(references),
            "interval_over": over,
            "interval_units": int(units.max()) + 1,
        }
    )


def lines_of(lines: Sequence[Line], name: str) -> list[dict[str, Any]]:
    """Lines of hypotheses.jsonl as if there were this label alone."""
    return [{**line, **line["labels"][name]} for line in lines]


def score_lines_of_several(
    lines: Sequence[Line], seed: int, thresholds: Mapping[str, Sequence[float]] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What metrics.json and errors.json hold of lines; thresholds: by label, as `score_lines` takes them."""
    references, predictions, speakers = (
        [line[key] for line in lines] for key in ("reference", "hypothesis", "speaker")
    )
    metrics = score_several(references, predictions, speakers, seed)
    by_label, wrong = {}, []
    for name in lines[0]["labels"]:
        by_label[name], errors = score_lines(lines_of(lines, name), seed, (thresholds or {}).get(name, ()))
        wrong += [
            {**each, "reference": f"{name} {each['reference']}", "hypothesis": f"{name} {each['hypothesis']}"}
            for each in errors["labels"]["substitutions"]
        ]
    wrong.sort(key=lambda each: -each["count"])
    metrics |= {"classes": sum(scores["classes"] for scores in by_label.values()), "by_label": by_label}
    return metrics, {"labels": {"substitutions": wrong[:LISTED]}}


def measure_several(classifier: SeveralClassifier, held: SplitToMeasure, calibrate: bool) -> Measured:
    """Score a split; calibrate: learn from it how sure every label may be, instead of a map of the embeddings."""
    parts, cuts = classifier.parts, list(held.cuts)
    heard = listen(classifier, held, not calibrate and len(cuts) <= MOST_ON_MAP)
    places = np.cumsum([len(part.labels) for part in parts])[:-1]
    logits = {name: np.split(row, places) for name, row in heard.logits.items()}
    targets = [cut.supervisions[0].text for cut in cuts]
    if calibrate:
        for place, (part, labels) in enumerate(zip(parts, classifier.task.encode(targets), strict=True)):
            part.temperature = fit_temperature([logits[cut.id][place] for cut in cuts], labels.tolist())
    lines = [line_of_several(cut, held.split, logits[cut.id], parts) | heard.levels[cut.id] for cut in cuts]
    if calibrate:
        for part in parts:
            part.thresholds = thresholds_of([line["labels"][part.label]["confidence"] for line in lines])
    thresholds = {part.label: part.thresholds for part in parts}
    metrics, errors = score_lines_of_several(lines, held.seed, thresholds)
    if heard.embeddings:
        metrics |= add_map(lines, heard.embeddings, held.seed)
    metrics |= {"label": classifier.task.label}
    return Measured(metrics | speed(classifier, held, heard), lines, errors)


def line_of_several(cut: Any, split: str, logits: Sequence[np.ndarray], parts: Sequence[Any]) -> dict[str, Any]:
    """A line of hypotheses.jsonl; as sure as that all labels are right, if these were independent."""
    spoken = cut.supervisions[0].text.split(SEPARATOR)
    answers = {
        part.label: answer(reference, row, part) for part, reference, row in zip(parts, spoken, logits, strict=True)
    }
    return facts_of(cut, split) | {
        "reference": cut.supervisions[0].text,
        "hypothesis": SEPARATOR.join(each["hypothesis"] for each in answers.values()),
        "confidence": round(prod(each["confidence"] for each in answers.values()), 4),
        "labels": answers,
    }
