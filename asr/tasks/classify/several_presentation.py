"""Several labels of an utterance as the pages of runs and comparisons show them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from asr.evaluation.class_means import RatiosOf
from asr.report.labels import (
    LabelPresentation,
    columns,
    every_rate,
    label_sections,
    sureness_sections,
    utterances,
)
from asr.report.page import Section
from asr.runs.files import Record, RunFiles
from asr.task import Rate
from asr.tasks.classify.several_scoring import (
    lines_of,
    over_labels,
    score_lines_of_several,
    score_several,
    share_right,
)


class SeveralPresentation(LabelPresentation):
    """Classification of several labels, judged by the means over them; each label is shown for itself too."""

    def sections(
        self, run: RunFiles, split: str, records: Sequence[Record], media: Mapping[str, Any]
    ) -> Sequence[Section]:
        """The means, then every label as a report of it alone shows it, and every utterance once."""
        scores = run.metrics.get(split, {})
        sections = [Section(f"Mean over labels ({split})", every_rate(scores))]
        for name, of_label in scores.get("by_label", {}).items():
            with_map = of_label | {key: scores[key] for key in ("embedding_map",) if key in scores}
            sections += label_sections(with_map, f"{name}, {split}", lines_of(records, name))
        sections.append(Section(f"Utterances ({split})", utterances(records, media)))
        for name, of_label in scores.get("by_label", {}).items():
            sections += sureness_sections(of_label, f"{name}, {split}")
        return sections

    def score_lines(self, lines: Sequence[Record], seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Means over labels with intervals over speakers, and all of each label."""
        return score_lines_of_several(lines, seed)

    def interval(self, lines: Sequence[Record], rate: Rate) -> Sequence[float]:
        return score_several(*columns(lines), seed=0)[f"{rate.name}_ci95"]

    def over_labels(self, errors: RatiosOf) -> RatiosOf:
        return over_labels(errors)

    def right(self, references: Sequence[str], predictions: Sequence[str]) -> np.ndarray:
        return share_right(references, predictions)
