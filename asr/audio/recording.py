"""One recording: decode it, check it, make it mono at the wanted sample rate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
import torch
from torchaudio.transforms import Resample

from asr.audio.containers import missing_part, with_wav_lengths

Seconds = float
SILENCE_PEAK = 1e-4  # of full scale, -80 dB: below it there is nothing to recognise
UNKNOWN_LENGTH = 2**40  # samples; libsndfile reports more than this where a FLAC header leaves the length open
BLOCK = 1 << 20  # samples read at a time
SHORT_READ = 0.1  # seconds by which a decoder may stop early (MP3 and Vorbis pad their last block)
RATES_HZ = (1_000, 768_000)  # outside, a header is damaged
LARGEST_RATIO = 2000  # a filter for 16001 to 16000 Hz would take a gigabyte; a near ratio is off by 1 in 10 000
CONVERT_REMEDY = "convert it, for example: ffmpeg -i {name} {stem}.flac"


class AudioProblem(Exception):
    """Why a recording cannot be used: `reason` (a word of REASONS), `detail` (what was found), `remedy`."""

    def __init__(self, reason: str, detail: str, remedy: str) -> None:
        super().__init__(f"{reason}: {detail}; {remedy}")
        self.reason, self.detail, self.remedy = reason, detail, remedy

    def __reduce__(self) -> tuple:
        # The default would rebuild it from the message when a data-loading process hands it over.
        return type(self), (self.reason, self.detail, self.remedy)


@dataclass(frozen=True, slots=True)
class Audio:
    """Mono samples (S,) float32 at `sample_rate` Hz, and the file's own rate (Hz) and number of channels."""

    samples: np.ndarray
    sample_rate: int
    original_rate: int
    channels: int


class OpenEndedFile(soundfile.SoundFile):
    """A file whose header leaves its length open: libsndfile then cannot seek, though it believes that it can."""

    def seekable(self) -> bool:
        return False


class AudioFile:
    """An open recording: its rate, channels and length, and any part of it as mono samples at its own rate."""

    def __init__(self, path: Path, file: soundfile.SoundFile) -> None:
        self.path = path
        self.sample_rate: int = file.samplerate
        self.channels: int = file.channels
        self._file = file
        self._whole: np.ndarray | None = None
        if file.frames > UNKNOWN_LENGTH:
            self._whole = concatenate(decoded_blocks(file, UNKNOWN_LENGTH), self.channels)
        self.num_samples: int = file.frames if self._whole is None else len(self._whole)

    @property
    def duration(self) -> Seconds:
        return self.num_samples / self.sample_rate

    def read(self, start: Seconds = 0.0, duration: Seconds | None = None, channel: int | None = None) -> np.ndarray:
        """Samples (S,) float32 of one channel, or of the average of all.

        Raises AudioProblem where the recording is shorter than it should be, or has no such channel.
        """
        frames = self._frames(*self.span(start, duration, channel))
        return frames[:, channel] if channel is not None else mono(frames)

    def span(self, start: Seconds, duration: Seconds | None, channel: int | None) -> tuple[int, int]:
        """The first sample of a part, and the one after its last; nothing is decoded. Raises AudioProblem as `read`."""
        if self.num_samples == 0:
            raise AudioProblem("audio_empty", "the recording has no samples", "record it again or leave it out")
        if channel is not None and channel >= self.channels:
            raise AudioProblem(
                "audio_unreadable",
                f"channel {channel} is asked for, the file has {self.channels} (numbered from 0)",
                "mend the channel in the manifest",
            )
        first = round(start * self.sample_rate)
        last = self.num_samples if duration is None else first + round(duration * self.sample_rate)
        if last - self.num_samples > SHORT_READ * self.sample_rate or first >= self.num_samples:
            raise AudioProblem(
                "audio_truncated",
                f"{start:.2f}-{last / self.sample_rate:.2f} s is asked for, it ends at {self.duration:.2f} s",
                "mend the times in the manifest, or fetch the whole recording again",
            )
        return first, min(last, self.num_samples)

    def _frames(self, first: int, last: int) -> np.ndarray:
        if self._whole is not None:
            return self._whole[first:last]
        try:
            if first != self._file.tell():
                self._file.seek(first)
            frames = concatenate(decoded_blocks(self._file, last - first), self.channels)
        except soundfile.LibsndfileError as error:
            raise truncated_problem(f"the decoder stopped early ({error.error_string.strip()})") from error
        if last - first - len(frames) > SHORT_READ * self.sample_rate or not len(frames):
            promised, found = (last - first) / self.sample_rate, len(frames) / self.sample_rate
            raise truncated_problem(f"the header promises {promised:.2f} s, {found:.2f} s can be decoded")
        return frames


def decoded_blocks(file: soundfile.SoundFile, samples: int) -> Iterator[np.ndarray]:
    """What can be decoded of the next samples, block by block, (n, C): a header may promise more than memory holds."""
    while samples > 0 and len(block := file.read(min(samples, BLOCK), dtype="float32", always_2d=True)):
        yield block
        samples -= len(block)


def concatenate(blocks: Iterator[np.ndarray], channels: int) -> np.ndarray:
    found = list(blocks)
    return found[0] if len(found) == 1 else np.concatenate([np.zeros((0, channels), np.float32), *found])


def truncated_problem(detail: str) -> AudioProblem:
    return AudioProblem("audio_truncated", detail, "fetch or record the file again; it was cut off while being written")


@contextmanager
def open_audio(path: Path, byte_range: tuple[int, int] | None = None) -> Iterator[AudioFile]:
    """Open a recording for reading, or the one that lies at (offset, size) of an uncompressed archive.

    Raises AudioProblem: audio_missing, audio_empty, audio_unreadable, audio_truncated.
    """
    try:
        with open(path, "rb") as stream:
            content: BytesIO | None = None
            if byte_range is not None:
                stream.seek(byte_range[0])
                content = BytesIO(stream.read(byte_range[1]))
            missing = missing_part(content or stream)
            content = content if missing else with_wav_lengths(content or stream) or content
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AudioProblem("audio_missing", "no such file", "put the recording there, or mend the path") from error
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        said = getattr(error, "strerror", None) or str(error)
        raise AudioProblem("audio_unreadable", said, "make it readable, or leave it out") from error
    if missing == "everything":
        raise AudioProblem("audio_empty", "the file has 0 bytes", "fetch or record it again, or leave it out")
    if missing is not None:
        raise truncated_problem(missing)
    try:
        file = soundfile.SoundFile(_from_beginning(content) or path)
        if file.frames > UNKNOWN_LENGTH:
            file.close()
            file = OpenEndedFile(_from_beginning(content) or path)
    except (soundfile.LibsndfileError, TypeError) as error:
        said = getattr(error, "error_string", str(error)).strip()
        remedy = CONVERT_REMEDY.format(name=path.name, stem=path.stem)
        raise AudioProblem("audio_unreadable", f"not audio that libsndfile can decode ({said})", remedy) from error
    with file:
        check_rate(file.samplerate)
        yield AudioFile(path, file)


def check_rate(sample_rate: int) -> None:
    """Raises AudioProblem where no recording has such a sample rate (Hz)."""
    if not RATES_HZ[0] <= sample_rate <= RATES_HZ[1]:
        detail = f"its header says {sample_rate} samples a second"
        raise AudioProblem("audio_unreadable", detail, "fetch or record it again, or leave it out")


def _from_beginning(content: BytesIO | None) -> BytesIO | None:
    if content is not None:
        content.seek(0)
    return content


def mono(frames: np.ndarray) -> np.ndarray:
    """The average of all channels: (S, C) -> (S,)."""
    return frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)


def check_samples(samples: np.ndarray) -> None:
    """Raises AudioProblem where samples (S,) are not finite, or silent."""
    if not len(samples):
        raise AudioProblem("audio_empty", "the recording has no samples", "record it again or leave it out")
    low, high = float(samples.min()), float(samples.max())  # NaN in any sample is NaN in both
    if not np.isfinite(low) or not np.isfinite(high):
        bad = int((~np.isfinite(samples)).sum())
        raise AudioProblem("audio_not_finite", f"{bad} samples are NaN or infinite", "export the recording again")
    peak = max(-low, high)
    if peak < SILENCE_PEAK or low == high:
        what = f"the peak is {peak:.1e} of full scale" if peak < SILENCE_PEAK else f"every sample is {low:.4f}"
        raise AudioProblem("audio_silent", f"nothing is heard: {what}", "record it again or leave it out")


def decode(content: bytes) -> tuple[np.ndarray, int]:
    """A recording in memory -> mono samples (S,) float32, and its rate in Hz. Raises AudioProblem."""
    try:
        with soundfile.SoundFile(BytesIO(content)) as file:
            check_rate(file.samplerate)
            frames, rate = concatenate(decoded_blocks(file, UNKNOWN_LENGTH), file.channels), file.samplerate
    except (soundfile.LibsndfileError, TypeError) as error:
        said = getattr(error, "error_string", str(error)).strip()
        raise AudioProblem("audio_unreadable", f"cannot be decoded ({said})", "fetch its shard again") from error
    check_samples(samples := mono(frames))
    return samples, rate


@lru_cache(maxsize=32)
def _resampler(from_rate: int, to_rate: int) -> Resample:
    ratio = Fraction(to_rate, from_rate).limit_denominator(LARGEST_RATIO)
    return Resample(ratio.denominator, ratio.numerator)


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Samples (S,) at `from_rate` Hz -> (S',) at `to_rate` Hz, S' = round(S * to_rate / from_rate)."""
    if from_rate == to_rate:
        return samples
    with torch.inference_mode():
        resampled = _resampler(from_rate, to_rate)(torch.from_numpy(np.ascontiguousarray(samples))).numpy()
    return pad_or_trim(resampled, resampled_length(len(samples), from_rate, to_rate))


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keep torch from dividing many short operations among the cores, whose waiting costs more than it saves."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def resampled_length(num_samples: int, from_rate: int, to_rate: int) -> int:
    """The number of samples that lhotse counts after resampling (halves are rounded up)."""
    return (2 * num_samples * to_rate + from_rate) // (2 * from_rate)


def pad_or_trim(samples: np.ndarray, num_samples: int) -> np.ndarray:
    """Exactly `num_samples` of samples (S,): the end cut off, or zeros added."""
    if len(samples) >= num_samples:
        return samples[:num_samples]
    return np.pad(samples, (0, num_samples - len(samples)))


def load_audio(
    path: Path,
    sample_rate: int | None = None,
    *,
    start: Seconds = 0.0,
    duration: Seconds | None = None,
    channel: int | None = None,
    byte_range: tuple[int, int] | None = None,
) -> Audio:
    """Decode a recording, or a part of it, to checked mono samples at `sample_rate` Hz (None: its own rate).

    Raises AudioProblem where it cannot be used.
    """
    with open_audio(path, byte_range) as recording:
        samples = recording.read(start, duration, channel)
        check_samples(samples)
        rate = sample_rate or recording.sample_rate
        return Audio(resample(samples, recording.sample_rate, rate), rate, recording.sample_rate, recording.channels)
