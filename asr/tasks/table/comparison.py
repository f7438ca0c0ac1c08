"""Every model on every division of a table, and what people said by themselves beside them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hydra.utils import instantiate

from asr.errors import UserError
from asr.evaluation.classification import score_labels
from asr.tasks.table.columns import BETWEEN, Encoding, values_of
from asr.tasks.table.divisions import divide
from asr.tasks.table.kinds import CATEGORIES_OF_ACTORS, NUMBERS_OF_ACTORS, PHRASE_TYPE, QUERY_TYPE
from asr.tasks.table.model import TableModel, prediction
from asr.tasks.table.reading import Answers, Settings

PEOPLE = "people"  # what they said, taken as it is: nothing is learnt
HELD_OUT = ("dev", "test")
SHOWN_OF_ROWS = (QUERY_TYPE, PHRASE_TYPE, *NUMBERS_OF_ACTORS, *CATEGORIES_OF_ACTORS)


@dataclass(frozen=True)
class Fit:
    """A model on one division: its rows by split, its rates on dev and test, and how long it was fitted."""

    name: str
    division: str
    rows: Mapping[str, np.ndarray]
    dev: Mapping[str, Any]
    test: Mapping[str, Any]
    seconds: float
    model: TableModel | None = None


@dataclass(frozen=True)
class Contest:
    """What is compared: constructors of classifiers by name, how rows are divided, whether labels count alike."""

    models: Mapping[str, Mapping[str, Any]]
    dev_fraction: float
    test_fraction: float
    balanced: bool
    seed: int


def fits(answers: Answers, division: str, contest: Contest, settings: Settings) -> Iterator[Fit]:
    """People, then every model, on one division; the encoding is learnt from its training rows."""
    rows = divide(answers, division, contest.dev_fraction, contest.test_fraction)
    said = [(values_of(cell) or [""])[0] for cell in answers.cells[answers.kind.answer]]
    dev, test = (rates(answers, rows[each], [said[row] for row in rows[each]], contest.seed) for each in HELD_OUT)
    yield Fit(PEOPLE, division, rows, dev, test, 0.0)
    training = rows["train"]
    encoding = Encoding.learn(answers.cells, training, answers.numbers, answers.categories, answers.kind.clipped)
    vectors = encoding.encode(answers.cells)
    labels = sorted({answers.targets[row] for row in training})
    if len(labels) < 2:
        raise UserError(f"{answers.table}: every training row has the same emotion, {labels[0]}; give another table")
    place = {label: number for number, label in enumerate(labels)}
    targets = np.array([place[answers.targets[row]] for row in training])
    for name, described in contest.models.items():
        classifier, begun = instantiate(described), time.monotonic()
        classifier.fit(vectors[training], targets, contest.balanced, contest.seed)
        seconds = time.monotonic() - begun
        model = TableModel(encoding, classifier, labels, settings)
        dev, test = (
            rates(answers, rows[each], model.labels_of(vectors[rows[each]]), contest.seed) for each in HELD_OUT
        )
        yield Fit(name, division, rows, dev, test, round(seconds, 2), model)


def rates(answers: Answers, rows: np.ndarray, predicted: Sequence[str], seed: int) -> dict[str, Any]:
    """UAR, accuracy and macro-F1 of predictions (N,) for rows (N,), with intervals over actors."""
    references, actors = ([column[row] for row in rows] for column in (answers.targets, answers.actors))
    scores = score_labels(references, predicted, actors, seed).as_dict()
    of_rates = (name for rate in ("uar", "accuracy", "macro_f1") for name in (rate, f"{rate}_ci95"))
    return {name: scores[name] for name in (*of_rates, "utterances", "interval_over", "interval_units")}


def lines_of(answers: Answers, model: TableModel, rows: np.ndarray, split: str) -> list[dict[str, Any]]:
    """Lines of hypotheses.jsonl; the speaker of a row is the actor."""
    cells = {name: [column[row] for row in rows] for name, column in answers.cells.items()}
    shown = [name for name in SHOWN_OF_ROWS if name in cells]
    lines = []
    for place, (row, probabilities) in enumerate(zip(rows, model.probabilities(cells), strict=True)):
        found = prediction(answers.ids[row], probabilities, model.labels)
        lines.append(
            {
                "id": found.id,
                "split": split,
                "reference": answers.targets[row],
                "hypothesis": found.label,
                "speaker": answers.actors[row],
                "about": {name: cells[name][place].replace(BETWEEN, " or ") for name in shown if cells[name][place]},
                "confidence": found.confidence,
                "probabilities": found.probabilities,
            }
        )
    return lines
