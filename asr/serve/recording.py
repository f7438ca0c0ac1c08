"""A file in memory becomes checked samples; no more is decoded of it than is allowed."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import soundfile

from asr.audio.containers import missing_part, with_wav_lengths
from asr.audio.recording import (
    SHORT_READ,
    UNKNOWN_LENGTH,
    AudioProblem,
    OpenEndedFile,
    check_rate,
    check_samples,
    decoded_blocks,
    mono,
    truncated_problem,
)
from asr.serve.refusal import TOO_LARGE, UNUSABLE, Refusal
from asr.serve.webm import is_webm, ogg_of_webm

SHORTEST_S = 0.1  # less is no sound of speech, and shorter than some encoders' first frame
MOST_CHANNELS = 8
HIGHEST_RATE = 192_000  # Hz


@dataclass(frozen=True)
class Recording:
    """Mono samples (S,) float32 at the file's own rate in Hz, its channels, its format."""

    samples: np.ndarray
    sample_rate: int
    channels: int
    format: str

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate


def decode(content: bytes, most_seconds: float) -> Recording:
    """Decode and check a recording. Raises AudioProblem where it cannot be used, Refusal where it is too long."""
    if not content:
        raise AudioProblem("audio_empty", "the file has 0 bytes", "record it again")
    name = "WEBM" if is_webm(content) else ""
    stream = BytesIO(ogg_of_webm(content) if name else content)
    missing = missing_part(stream)
    if missing is not None:
        raise truncated_problem(missing)
    stream = with_wav_lengths(stream) or stream
    stream.seek(0)
    try:
        with OpenEndedFile(stream) as file:
            samples = read(file, most_seconds)
            found = Recording(samples, file.samplerate, file.channels, name or file.format)
    except (soundfile.LibsndfileError, TypeError) as error:
        said = getattr(error, "error_string", str(error)).strip()
        raise AudioProblem("audio_unreadable", f"not audio that can be decoded ({said})", "") from error
    check_samples(samples)
    if found.seconds < SHORTEST_S:
        detail = f"it lasts {found.seconds:.3f} s, at least {SHORTEST_S} s is wanted"
        raise Refusal(UNUSABLE, detail, "record it again")
    return found


def read(file: soundfile.SoundFile, most_seconds: float) -> np.ndarray:
    """All samples (S,), the average of the channels, block by block: a header may promise anything."""
    rate, promised = file.samplerate, file.frames
    check_rate(rate)
    if rate > HIGHEST_RATE:
        raise Refusal(UNUSABLE, f"{rate} samples a second", f"resample it to at most {HIGHEST_RATE} Hz")
    if file.channels > MOST_CHANNELS:
        raise Refusal(UNUSABLE, f"it has {file.channels} channels", f"send one voice on at most {MOST_CHANNELS}")
    most = int(most_seconds * rate)
    told = promised <= UNKNOWN_LENGTH
    if told and promised > most:
        raise too_long(f"it lasts {promised / rate:.1f} s", most_seconds)
    try:
        blocks = [mono(block) for block in decoded_blocks(file, most + 1)]
    except soundfile.LibsndfileError as error:
        raise truncated_problem(f"the decoder stopped early ({error.error_string.strip()})") from error
    samples = np.concatenate([np.zeros(0, np.float32), *blocks])
    if len(samples) > most:
        raise too_long("it is longer", most_seconds)
    if told and promised - len(samples) > SHORT_READ * rate:
        raise truncated_problem(
            f"the header promises {promised / rate:.2f} s, {len(samples) / rate:.2f} s can be decoded"
        )
    return samples


def too_long(detail: str, most_seconds: float) -> Refusal:
    return Refusal(TOO_LARGE, f"{detail}; at most {most_seconds:g} s is allowed", "cut it into shorter recordings")
