"""Trials become scores: whose embeddings are compared, by which scoring, what stands in the files about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from asr.errors import UserError
from asr.evaluation.bootstrap import FEW_UNITS
from asr.evaluation.tables import interval
from asr.voices.cohort import AdaptiveSymmetricNorm, CentredCosine, Cosine, Scoring
from asr.voices.embedding import Problem, Progress, VoiceModel, recordings_of
from asr.voices.folder import Voices
from asr.voices.trials import Trial

MOST_NAMED = 3  # missing recordings that a message names
NORMALISATIONS = ("as-norm", "mean")


@dataclass(frozen=True)
class Sides:
    """Embeddings of length 1 of all that is compared, (M, E), and the row of each by its name."""

    embeddings: np.ndarray
    rows: Mapping[str, int]


def scoring_of(
    model: VoiceModel, cohort: Path | None, normalisation: str, top: int, on_progress: Progress | None = None
) -> Scoring:
    """Cosines, or what a cohort of recordings makes of them."""
    if normalisation not in NORMALISATIONS:
        raise UserError(f"--normalise {normalisation}: there are {' and '.join(NORMALISATIONS)}")
    if cohort is None:
        return Cosine()
    _, embeddings = model.embed(recordings_of(cohort), on_progress=on_progress)
    return CentredCosine(embeddings) if normalisation == "mean" else AdaptiveSymmetricNorm(embeddings, top)


def embed_sides(
    model: VoiceModel,
    names: Sequence[str],
    root: Path,
    voices: Voices | None = None,
    on_problem: Problem | None = None,
    on_progress: Progress | None = None,
) -> Sides:
    """Embed each name once: a known voice by the mean of its recordings, else the recording root/name.

    Raises UserError where a recording is missing, before any is read, or cannot be used.
    """
    known = dict(zip(voices.names, voices.means(), strict=True)) if voices is not None and voices.names else {}
    files = {name: root / name for name in dict.fromkeys(names) if name not in known}
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        kinds = "recordings" if voices is None else "recordings, or known voices"
        raise UserError(f"{', '.join(missing[:MOST_NAMED])}{more}: no such {kinds}; give their folder with --audio")
    _, embeddings = model.embed(list(files.values()), on_problem, on_progress)
    taken = [name for name in known if name in set(names)]
    parts = [part for part in (embeddings, np.array([known[name] for name in taken])) if len(part)]
    rows = {name: row for row, name in enumerate([*files, *taken])}
    return Sides(np.concatenate(parts).astype(np.float32), rows)


def score(trials: Sequence[Trial], sides: Sides, scoring: Scoring) -> np.ndarray:
    """(K,) scores of the trials."""
    first = np.array([sides.rows[trial.enrolled] for trial in trials])
    second = np.array([sides.rows[trial.test] for trial in trials])
    return scoring(sides.embeddings, sides.embeddings, first, second)


def table_of(values: Mapping[str, Any]) -> Table:
    """A row for each rate, with its interval and threshold."""
    table = Table("", "value", "95 %", "threshold", box=SIMPLE_HEAD)

    def threshold(name: str) -> str:
        found = values[f"{name}_threshold"]
        return "–" if found is None else f"{found:.4f}"

    low, high = values["min_dcf_ci95"]
    table.add_row("EER", f"{values['eer']:.2%}", interval(values, "eer"), threshold("eer"))
    name = f"minDCF (p = {values['p_target']:g})"
    table.add_row(name, f"{values['min_dcf']:.4f}", f"{low:.4f} – {high:.4f}", threshold("min_dcf"))
    return table


def note_on_intervals(values: Mapping[str, Any]) -> str:
    """What the intervals rest on."""
    units, over = values["interval_units"], values["interval_over"]
    doubt = ", too few to trust" if units < FEW_UNITS else ""
    if over == "files":
        doubt += ": three speakers or more are not known, so they are too narrow; give --speakers (recording speaker)"
    trials = f"{values['targets']} target and {values['nontargets']} nontarget trials"
    return f"{trials}; intervals over {units} {over}{doubt}"
