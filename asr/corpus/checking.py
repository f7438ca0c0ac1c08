"""Decoding and checking every utterance once, on all cores, file by file."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lhotse import MonoCut

from asr.audio.recording import (
    AudioFile,
    AudioProblem,
    check_samples,
    load_audio,
    one_torch_thread,
    open_audio,
    pad_or_trim,
    resample,
)
from asr.corpus.cuts import make_cut
from asr.corpus.utterance import REASONS_OF_TRANSCRIPT, Rejection, Seconds, Utterance, UtteranceFacts
from asr.task import Unusable

INT16_SCALE = 32768
FILES_AT_ONCE = 512  # submitted to the pool together: bounds what waits in memory
Progress = Callable[[int, int | None], None]
Measure = Callable[[np.ndarray, int], object]


@dataclass(frozen=True, slots=True)
class UtteranceWithTarget:
    """An utterance and its target, what a task learns to predict of it: for speech recognition its normalised text."""

    utterance: Utterance
    target: str


@dataclass(frozen=True, slots=True)
class CheckedUtterance:
    """The outcome for one utterance: a cut and its samples (S,) (int16 where exact, else float32), or a rejection.

    Where the caller has a `measure`, `measures` is what it made of the samples as they are in the file, in their place.
    """

    utterance: Utterance
    cut: MonoCut | None = None
    samples: np.ndarray | None = None
    original_rate: int = 0
    channels: int = 0
    rejection: Rejection | None = None
    measures: Any = None


@dataclass(frozen=True, slots=True)
class Requirements:
    """What every recording is to become: its rate in Hz (None: its own), its longest duration, and what is measured."""

    sample_rate: int | None
    max_seconds: Seconds
    measure: Measure | None


def with_targets(
    utterances: Iterable[Utterance], target_of: Callable[[UtteranceFacts], str], rejected: list[Rejection]
) -> list[UtteranceWithTarget]:
    """Utterances with their targets; what readers report, what has none, and second uses of an id go to `rejected`.

    An utterance that a reader rejects for its transcript alone is used, without it, where the target needs none.
    """
    seen: dict[str, Utterance] = {}
    targeted = []
    for utterance in utterances:
        first = seen.setdefault(utterance.id, utterance)
        if utterance.rejection is not None:
            without = _target_without_transcript(utterance, target_of) if first is utterance else None
            if without is None:
                rejected.append(utterance.rejection)
            else:
                targeted.append(without)
            continue
        if (wrong := utterance.unwritable()) is not None:
            reason = wrong
        elif first is not utterance:
            reason = ("duplicate_id", f"the id is already that of {first.audio}", "give every utterance its own id")
        else:
            try:
                targeted.append(UtteranceWithTarget(utterance, target_of(utterance.facts)))
                continue
            except Unusable as why:
                reason = (why.reason, why.detail, why.remedy)
        rejected.append(utterance.rejection_for(*reason))
    return targeted


def _target_without_transcript(
    utterance: Utterance, target_of: Callable[[UtteranceFacts], str]
) -> UtteranceWithTarget | None:
    """A rejected utterance without its transcript, where nothing but that is wrong with it and the target is known."""
    assert utterance.rejection is not None
    bare = replace(utterance, text=None, rejection=None)
    if utterance.rejection.reason not in REASONS_OF_TRANSCRIPT or bare.unwritable() is not None:
        return None
    try:
        return UtteranceWithTarget(bare, target_of(bare.facts))
    except Unusable:
        return None


def common_rate(utterances: Sequence[Utterance]) -> int | None:
    """The sample rate (Hz) that most recordings have, by their headers; the higher of two; None where none opens."""
    files = list({(utterance.audio, utterance.byte_range) for utterance in utterances if utterance.audio is not None})
    with ThreadPoolExecutor(usable_cores()) as pool:
        rates = Counter(rate for rate in pool.map(lambda file: _rate(*file), files) if rate is not None)
    return max(rates, key=lambda rate: (rates[rate], rate)) if rates else None


def _rate(path: Path, byte_range: tuple[int, int] | None) -> int | None:
    try:
        with open_audio(path, byte_range) as recording:
            return recording.sample_rate
    except AudioProblem:
        return None


def check_all(
    targeted: Sequence[UtteranceWithTarget],
    sample_rate: int | None,
    max_seconds: Seconds,
    on_progress: Progress | None,
    measure: Measure | None = None,
) -> Iterator[CheckedUtterance]:
    """Check every utterance, in order; a file whose utterances follow one another is opened once.

    `sample_rate` is in Hz, None for each recording's own. `on_progress(done, total)` is called after every file,
    counting utterances. `measure` is called with mono samples (S,) at the recording's own rate, and that rate.
    """
    required = Requirements(sample_rate, max_seconds, measure)
    groups = [list(group) for _, group in groupby(targeted, key=lambda item: item.utterance.audio)]
    done = 0
    with (
        one_torch_thread(),
        ThreadPoolExecutor(usable_cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool,
    ):
        rest = iter(groups)
        while batch := list(islice(rest, FILES_AT_ONCE)):
            for outcomes in pool.map(lambda group: _check_file(group, required), batch):
                yield from outcomes
                done += len(outcomes)
                if on_progress is not None:
                    on_progress(done, len(targeted))


def _check_file(group: Sequence[UtteranceWithTarget], required: Requirements) -> list[CheckedUtterance]:
    """Open the file that a group of utterances lies in, and check each of them."""
    first = group[0].utterance
    try:
        if first.audio is None:
            raise AudioProblem("audio_missing", "no recording is named", "name its audio file, or leave it out")
        if first.byte_range is not None and len(group) > 1:  # an archive: many recordings in one file
            return [checked for item in group for checked in _check_file([item], required)]
        with open_audio(first.audio, first.byte_range) as recording:
            return [_check(item, recording, required) for item in group]
    except AudioProblem as problem:
        return [CheckedUtterance(item.utterance, rejection=rejection_of(item.utterance, problem)) for item in group]


def _check(item: UtteranceWithTarget, recording: AudioFile, required: Requirements) -> CheckedUtterance:
    utterance = item.utterance
    duration = utterance.duration if utterance.duration is not None else recording.duration - utterance.start
    try:
        if duration > required.max_seconds:
            raise AudioProblem(
                "too_long",
                f"{duration:.1f} s, more than {required.max_seconds:g} s",
                "cut it into shorter utterances, or raise data.max_utterance_seconds",
            )
        samples = _samples(utterance, recording)
        check_samples(samples)
        rate = recording.sample_rate if utterance.cut is None else utterance.cut.sampling_rate
        required_rate = required.sample_rate or rate
        cut = make_cut(
            utterance,
            item.target,
            original_rate=recording.sample_rate,
            original_samples=recording.num_samples,
            channels=recording.channels,
            sample_rate=required_rate,
            duration=len(samples) / recording.sample_rate,
        )
    except AudioProblem as problem:
        return CheckedUtterance(utterance, rejection=rejection_of(utterance, problem))
    channels = recording.channels if utterance.channel is None else 1
    if required.measure is not None:
        return CheckedUtterance(utterance, cut, None, rate, channels, measures=required.measure(samples, rate))
    samples = pad_or_trim(resample(samples, rate, required_rate), cut.num_samples)
    return CheckedUtterance(utterance, cut, int16_if_exact(samples), rate, channels)


def _samples(utterance: Utterance, recording: AudioFile) -> np.ndarray:
    if utterance.cut is not None:
        return utterance.cut.load_audio()[0]
    return recording.read(utterance.start, utterance.duration, utterance.channel)


def samples_of(utterance: Utterance, sample_rate: int) -> np.ndarray:
    """Decode one utterance: (S,) at `sample_rate` Hz. Raises AudioProblem."""
    if utterance.cut is not None:
        return resample(utterance.cut.load_audio()[0], utterance.cut.sampling_rate, sample_rate)
    assert utterance.audio is not None
    return load_audio(
        utterance.audio,
        sample_rate=sample_rate,
        start=utterance.start,
        duration=utterance.duration,
        channel=utterance.channel,
        byte_range=utterance.byte_range,
    ).samples


def rejection_of(utterance: Utterance, problem: AudioProblem) -> Rejection:
    return utterance.rejection_for(problem.reason, problem.detail, problem.remedy)


def int16_if_exact(samples: np.ndarray) -> np.ndarray:
    """Samples (S,) float32 as int16 (scale 32768) where that is exact, as it is for 16-bit files: half the memory."""
    scaled = samples * INT16_SCALE
    if scaled.max() >= INT16_SCALE or scaled.min() < -INT16_SCALE:
        return samples
    whole = scaled.astype(np.int16)
    return whole if np.array_equal(whole, scaled) else np.ascontiguousarray(samples)


def usable_cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
