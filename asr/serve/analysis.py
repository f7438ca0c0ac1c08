"""A recording through every model: what each finds, and the spectrogram."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

import asr
from asr.audio.recording import AudioProblem, resample
from asr.evaluation.coverage import UNCERTAIN, check_least_probability, is_uncertain
from asr.report.clips import Pictures
from asr.report.sound import data_url
from asr.serve.findings import Analyser, Finding, analyser_of
from asr.serve.recording import Recording, decode
from asr.serve.refusal import refusal_of

PICTURE_RATE = 16_000  # Hz: the spectrogram shows up to half of it


@dataclass(frozen=True)
class Recorded:
    """The recording as it was received: seconds, its own rate in Hz, channels, format."""

    seconds: float
    sample_rate: int
    channels: int
    format: str


@dataclass(frozen=True)
class Analysis:
    """What every model finds in a recording. spectrogram: a WebP picture as a data: address, low frequencies below."""

    recording: Recorded
    findings: list[Finding]
    spectrogram: str


class Analysers:
    """Models by name, and the one way through them; below the least probability a label is "uncertain"."""

    def __init__(self, by_name: Mapping[str, Analyser], least_probability: float | None = None) -> None:
        self.by_name, self.least_probability = dict(by_name), least_probability
        self.draw = Pictures(PICTURE_RATE)

    def __call__(self, content: bytes, most_seconds: float, until: float) -> Analysis:
        """A file in memory -> what is found in it.

        Raises Refusal where it cannot be used or is longer than `most_seconds`, and TimeoutError once time.monotonic()
        is past `until`: after the model that was at work then.
        """
        try:
            recording = decode(content, most_seconds)
        except AudioProblem as problem:
            raise refusal_of(problem) from problem
        del content
        findings, at_rate = [], {}
        for name, analyser in self.by_name.items():
            if time.monotonic() > until:
                raise TimeoutError
            rate = analyser.sample_rate
            if rate not in at_rate:
                at_rate[rate] = resample(recording.samples, recording.sample_rate, rate)
            findings += [replace(self.answer(found), model=name) for found in analyser.analyse(at_rate[rate])]
        recorded = Recorded(recording.seconds, recording.sample_rate, recording.channels, recording.format)
        return Analysis(recorded, findings, self.picture(recording, at_rate.get(PICTURE_RATE)))

    def answer(self, finding: Finding) -> Finding:
        """The finding, "uncertain" where it is a label that is not probable enough."""
        if finding.choices and is_uncertain(finding.choices[0].probability, self.least_probability):
            return replace(finding, value=UNCERTAIN)
        return finding

    def picture(self, recording: Recording, samples: np.ndarray | None) -> str:
        """The spectrogram as a data: address; samples: the recording at PICTURE_RATE where it is known already."""
        if samples is None:
            samples = resample(recording.samples, recording.sample_rate, PICTURE_RATE)
        waveform = torch.from_numpy(np.ascontiguousarray(samples)).unsqueeze(0)
        (drawn,) = self.draw(waveform, torch.tensor([len(samples)]))
        return data_url("image/webp", drawn)


def load_analysers(folders: Sequence[Path], least_probability: float | None = None) -> Analysers:
    """Open model folders, each named after its run; UserError for the first that is none or cannot be shown."""
    check_least_probability(least_probability, "--least-probability")
    found: dict[str, Analyser] = {}
    for folder in folders:
        analyser = analyser_of(asr.load(folder), folder)
        whole = folder.resolve()
        name = whole.parent.name if whole.name == "model" else whole.name
        used = sum(each == name or each.startswith(f"{name} (") for each in found)
        found[f"{name} ({used + 1})" if used else name] = analyser
    return Analysers(found, least_probability)
