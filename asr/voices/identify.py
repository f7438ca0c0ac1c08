"""Which known voice a recording is closest to, and whether it is that voice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asr.errors import UserError
from asr.voices.calibration import PAIRS, STRANGERS, Calibration, choose_calibration
from asr.voices.cohort import Cosine
from asr.voices.folder import UNKNOWN, Voices
from asr.voices.index import SEARCHES


@dataclass(frozen=True)
class Identification:
    """The closest voices with their cosines; `voice` is one of them, "unknown", or None without a calibration."""

    path: str
    voice: str | None
    threshold: float | None
    closest: list[tuple[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """A line of JSON."""
        closest = [{"voice": name, "cosine": round(cosine, 5)} for name, cosine in self.closest]
        return {"recording": self.path, "voice": self.voice, "threshold": self.threshold, "closest": closest}

    def __str__(self) -> str:
        verdict = self.voice or "no verdict"
        return "\t".join([self.path, verdict, *(f"{name} {cosine:.4f}" for name, cosine in self.closest)])


def identify(
    voices: Voices, paths: Sequence[str], embeddings: np.ndarray, top: int, search: str = "exact"
) -> list[Identification]:
    """Recordings as embeddings (Q, E) of length 1 -> what is said of each, in their order."""
    if not paths:
        return []
    names, calibration = voices.names, calibration_to_identify(voices)
    scores, indices = SEARCHES[search](embeddings, voices.means(), top)
    found = []
    for path, cosines, places in zip(paths, scores, indices, strict=True):
        closest = [(names[place], float(cosine)) for place, cosine in zip(places, cosines, strict=True)]
        threshold = None if calibration is None else calibration.threshold_of(closest[0][0])
        voice = None
        if threshold is not None:
            voice = closest[0][0] if closest[0][1] > threshold else UNKNOWN
        found.append(Identification(path, voice, threshold, closest))
    return found


def calibration_to_identify(voices: Voices) -> Calibration | None:
    return choose_calibration(voices.calibrations, (STRANGERS, PAIRS), Cosine.name)


def note_on_verdicts(voices: Voices) -> str:
    """What stands behind verdicts, or why there are none."""
    calibration = calibration_to_identify(voices)
    if calibration is None:
        return (
            "these voices have no calibrated threshold, so no verdict is given; learn one with asr verify --calibrate "
            "or --calibrate-enrolled"
        )
    if calibration.compared == STRANGERS:
        return f"{calibration}; a stranger is named at that rate"
    most = min(1.0, len(voices.names) * calibration.false_alarm)
    return f"{calibration}; with {len(voices.names)} voices a stranger may be named in up to {most:.0%} of recordings"


def check_search(search: str) -> None:
    if search not in SEARCHES:
        raise UserError(f"--search {search}: there are {' and '.join(SEARCHES)}")
