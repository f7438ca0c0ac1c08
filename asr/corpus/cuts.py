"""An utterance as a lhotse cut, and the samples of such a cut."""

from pathlib import Path

import numpy as np
from lhotse import MonoCut, Recording, SupervisionSegment
from lhotse.audio import AudioSource
from lhotse.utils import fastcopy

from asr.audio.recording import decode, load_audio, pad_or_trim, resample
from asr.corpus.utterance import Seconds, Utterance, UtteranceFacts

# Custom fields of a cut, for what lhotse has no place for.
AVERAGED = "averaged_channels"  # how many channels are averaged (a MonoCut names one)
BYTE_RANGE = "byte_range"  # [offset, size] of the recording in an archive
COPY = "copy"  # which of several copies in an epoch it is, from 1
TRANSCRIPT = "transcript"  # of a supervision: its text as the user wrote it
GENDER = "gender"  # the one thing of Utterance.about that a supervision has a field for


def make_cut(
    utterance: Utterance,
    target: str,
    *,
    original_rate: int,
    original_samples: int,
    channels: int,
    sample_rate: int,
    duration: Seconds,
) -> MonoCut:
    """A cut at `sample_rate` Hz with one supervision whose text is `target`.

    `original_samples`, `original_rate` and `channels` describe the file; `duration` is the utterance's in seconds.
    """
    assert utterance.audio is not None
    if utterance.cut is not None:
        cut = utterance.cut.resample(sample_rate)
        return fastcopy(cut, id=utterance.id, supervisions=[_supervision(utterance, target, cut.duration)])
    recording = Recording(
        id=utterance.id,
        sources=[AudioSource("file", channels=list(range(channels)), source=str(utterance.audio.absolute()))],
        sampling_rate=original_rate,
        num_samples=original_samples,
        duration=original_samples / original_rate,
    )
    whole = utterance.start == 0 and abs(duration - recording.duration) < 0.5 / original_rate
    if original_rate != sample_rate:
        recording = recording.resample(sample_rate)
    duration = recording.duration if whole else min(duration, recording.duration - utterance.start)
    custom: dict[str, object] = {}
    if channels > 1 and utterance.channel is None:
        custom[AVERAGED] = channels
    if utterance.byte_range is not None:
        custom[BYTE_RANGE] = list(utterance.byte_range)
    return MonoCut(
        id=utterance.id,
        start=utterance.start,
        duration=duration,
        channel=utterance.channel or 0,
        supervisions=[_supervision(utterance, target, duration)],
        recording=recording,
        custom=custom or None,
    )


def _supervision(utterance: Utterance, target: str, duration: Seconds) -> SupervisionSegment:
    return SupervisionSegment(
        id=utterance.id,
        recording_id=utterance.id,
        start=0.0,
        duration=duration,
        channel=utterance.channel or 0,
        text=target,
        speaker=utterance.speaker or utterance.id,
        gender=utterance.about.get(GENDER),
        custom={**{key: value for key, value in utterance.about.items() if key != GENDER}, TRANSCRIPT: utterance.text},
    )


def facts_of_supervision(supervision: SupervisionSegment) -> UtteranceFacts:
    """The facts of a supervision whose text is the transcript as the user wrote it."""
    return UtteranceFacts(supervision.text, supervision.speaker, about(supervision))


def about(supervision: SupervisionSegment) -> dict[str, str]:
    """`Utterance.about` of a supervision: what the source says of it beside text and speaker."""
    known = {GENDER: supervision.gender, **(supervision.custom or {})}
    return {
        key: str(value) for key, value in known.items() if key != TRANSCRIPT and isinstance(value, str | int | float)
    }


def load_samples(cut: MonoCut) -> np.ndarray:
    """Decode a cut of a Corpus: mono samples (cut.num_samples,) float32 at cut.sampling_rate Hz.

    Raises AudioProblem where the recording has become unreadable since it was checked.
    """
    recording = cut.recording
    source = recording.sources[0]
    if _has_effects(recording):
        return pad_or_trim(cut.load_audio()[0], cut.num_samples)
    if source.type == "memory":
        samples, rate = decode(source.source)
        return pad_or_trim(resample(samples, rate, cut.sampling_rate), cut.num_samples)
    custom = cut.custom or {}
    byte_range = custom.get(BYTE_RANGE)
    audio = load_audio(
        Path(source.source),
        start=cut.start,
        duration=None if cut.start == 0 and cut.duration == recording.duration else cut.duration,
        channel=None if custom.get(AVERAGED) or recording.num_channels == 1 else cut.channel,
        byte_range=None if byte_range is None else (byte_range[0], byte_range[1]),
    )
    return pad_or_trim(resample(audio.samples, audio.sample_rate, cut.sampling_rate), cut.num_samples)


def _has_effects(recording: Recording) -> bool:
    """Whether lhotse has more to do than to resample (speed, volume, reverberation, ...)."""
    effects = recording.transforms or ()
    names = [effect["name"] if isinstance(effect, dict) else type(effect).__name__ for effect in effects]
    return any(name != "Resample" for name in names)
