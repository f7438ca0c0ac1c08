"""Predicted labels scored as lines of hypotheses.jsonl hold them, of one model or of several folds'."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from asr.evaluation.breakdown import UtteranceRates, breakdown
from asr.evaluation.calibration import calibration
from asr.evaluation.classification import score_labels
from asr.evaluation.coverage import coverage

LISTED = 100  # confusions in errors.json


def score_lines(
    lines: Sequence[Mapping[str, Any]], seed: int, thresholds: Sequence[float] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What metrics.json and errors.json hold of lines of hypotheses.jsonl, of one model or of several folds'.

    thresholds: least probabilities to look at, tenths where none are given.
    """
    keys = "reference", "hypothesis", "speaker"
    references, predictions, speakers = ([line[key] for line in lines] for key in keys)
    ranks = [line["rank"] for line in lines] if all("rank" in line for line in lines) else None
    pairs = list(zip(references, predictions, strict=True))
    right = np.array([spoken == found for spoken, found in pairs])
    rates = UtteranceRates("accuracy", "utterances", (~right).astype(float), np.ones(len(lines)), of_right=True)
    groups = breakdown(lines, rates, seed)
    repeated = {name for name in groups if all(line["about"].get(name) == line["reference"] for line in lines)}
    metrics = score_labels(references, predictions, speakers, seed, ranks=ranks).as_dict() | {
        "breakdown": {name: cells for name, cells in groups.items() if name not in repeated},
        "calibration": calibration(np.array([line["confidence"] for line in lines]), right, "utterances"),
        "coverage": coverage(lines, rates, thresholds, seed),
    }
    wrong = Counter((spoken, found) for spoken, found in pairs if spoken != found)
    confusions = [{"reference": a, "hypothesis": b, "count": count} for (a, b), count in wrong.most_common(LISTED)]
    return metrics, {"labels": {"substitutions": confusions}}
