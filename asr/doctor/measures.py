"""What a recording's samples tell about how it was made, measured once while it is decoded.

All take mono samples (S,) float32, full scale 1, at the file's own sample rate in Hz.
"""

import math
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from asr.audio.noise import level_and_snr, loudness

SMALLEST_SPREAD = 0.05
FLAT_RUN = 3  # neighbouring samples at the extreme that make a clipped peak
AT_EXTREME = 0.999  # of the largest sample
SPECTRUM_S = 0.032  # of one spectrum, about; the average of all is looked at
SPECTRA = 8  # below which loud and soft ones cannot be told apart
BAND_HZ = 250  # in which the spectrum is looked at
LOWEST_EDGE, GAP_BANDS, FLOOR_BANDS = 6, 3, 4  # bands below a wall, in its slope, and above it, at least
FLAT_DB, WALL_DB = 16, 25  # how even a floor is, and how far below what lies before the wall
STILL_DB = 3  # by which a floor may be higher in the loud frames
FILTER_DB, SILENT_DB = 38, -115  # a fall so deep to a floor so low is a filter's, whatever is left of the speech there
FINGERPRINT_BANDS = np.geomspace(200, 3000, 18)  # Hz, the edges of 17 bands whose differences are 16 bits a frame
FINGERPRINT_RATE = 8000  # Hz
FINGERPRINT_WINDOW_S, FINGERPRINT_HOP_S = 0.256, 0.016


@dataclass(frozen=True, slots=True)
class Measures:
    """What one recording measures: levels in dB of full scale, shares in [0, 1], frequencies in Hz."""

    seconds: float
    peak: float
    level_db: float
    offset: float
    clipped_peaks: int
    snr_db: float
    dynamic_db: float
    speech_seconds: float
    bandwidth_hz: float
    digest: bytes
    fingerprint: np.ndarray


def measure(samples: np.ndarray, sample_rate: int) -> Measures:
    """Everything about samples that are finite and not silent."""
    offset = float(samples.mean(dtype=np.float64))
    centred = samples - np.float32(offset)
    dynamic_db, speech_seconds = loudness(centred, sample_rate)
    level_db, snr_db = level_and_snr(samples, sample_rate)
    return Measures(
        seconds=len(samples) / sample_rate,
        peak=float(np.abs(samples).max()),
        level_db=level_db,
        offset=offset,
        clipped_peaks=clipped_peaks(samples),
        snr_db=snr_db,
        dynamic_db=dynamic_db,
        speech_seconds=speech_seconds,
        bandwidth_hz=bandwidth(centred, sample_rate),
        digest=blake2b((samples * 32768).round().astype(np.int32).tobytes(), digest_size=16).digest(),
        fingerprint=fingerprint(centred, sample_rate),
    )


def median_and_spread(values: np.ndarray) -> tuple[float, float]:
    """Median, and the standard deviation as the median deviation estimates it, not less than SMALLEST_SPREAD."""
    middle = float(np.median(values))
    return middle, max(1.4826 * float(np.median(np.abs(values - middle))), SMALLEST_SPREAD)


def clipped_peaks(samples: np.ndarray) -> int:
    """How many times the waveform lies flat at its own largest or smallest value, as a cut-off peak does."""
    count = 0
    for extreme, signed in ((float(samples.max()), samples), (float(-samples.min()), -samples)):
        if extreme <= 0:
            continue
        flat = signed >= AT_EXTREME * extreme
        edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(np.int8)))
        count += int((edges[1::2] - edges[::2] >= FLAT_RUN).sum())
    return count


def bandwidth(samples: np.ndarray, sample_rate: int) -> float:
    """The frequency in Hz above which the average spectrum is nothing but a flat floor, else half the sample rate.

    A voice's own spectrum falls too, but gradually, and what is left of it up there comes and goes with the speech: a
    floor is as high in the loud frames as in the soft ones, or so deep that only a filter makes it.
    """
    nyquist = sample_rate / 2
    size = 1 << round(math.log2(SPECTRUM_S * sample_rate))
    if len(samples) < SPECTRA * size:
        return nyquist
    frames = samples[: len(samples) // size * size].reshape(-1, size) * np.hanning(size).astype(np.float32)
    spectra = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / (size * size)
    width = max(1, round(BAND_HZ * size / sample_rate))
    spectra = spectra[:, : spectra.shape[1] // width * width].reshape(len(spectra), -1, width).mean(axis=2)
    order = np.argsort(spectra.sum(axis=1))
    quarter = max(1, len(order) // 4)
    bands = 10 * np.log10(spectra.mean(axis=0) + 1e-15)
    soft, loud = (10 * np.log10(spectra[part].mean(axis=0) + 1e-15) for part in (order[:quarter], order[-quarter:]))
    falls = []
    for edge in range(LOWEST_EDGE, len(bands) - GAP_BANDS - FLOOR_BANDS):
        floor, moved = bands[edge + GAP_BANDS :], (loud - soft)[edge + GAP_BANDS :]
        low, high = np.percentile(floor, [10, 90])
        fall = bands[edge - 2 : edge].mean() - floor.mean()
        if high - low < FLAT_DB and (np.percentile(moved, 90) < STILL_DB or is_filtered(fall, floor)):
            falls.append((fall, edge))
    fall, edge = max(falls, default=(0.0, 0))
    if fall < WALL_DB:
        return nyquist
    halfway = bands[edge - 2 : edge].mean() - fall / 2
    return (edge + int(np.argmax(bands[edge:] < halfway))) * width * sample_rate / size


def is_filtered(fall_db: float, floor_db: np.ndarray) -> bool:
    return fall_db > FILTER_DB and float(floor_db.mean()) < SILENT_DB


def fingerprint(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """(frames,) uint16: whether each band gained on its neighbour since the last frame (Haitsma & Kalker 2002).

    The bits do not change with the level, and hardly with the codec, so recordings that share many are copies.
    """
    every = max(1, sample_rate // FINGERPRINT_RATE)  # averages of so many samples will do for bands this low
    samples = samples[: len(samples) // every * every].reshape(-1, every).mean(axis=1)
    sample_rate = sample_rate // every
    size, hop = round(FINGERPRINT_WINDOW_S * sample_rate), round(FINGERPRINT_HOP_S * sample_rate)
    if len(samples) < size + 2 * hop:
        return np.zeros(0, np.uint16)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop] * np.hanning(size).astype(np.float32)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    edges = np.unique(np.clip((FINGERPRINT_BANDS * size / sample_rate).astype(int), 1, power.shape[1] - 1))
    energy = np.log(np.add.reduceat(power, edges, axis=1)[:, :17] + 1e-12)
    gained = np.diff(np.diff(energy, axis=1), axis=0) > 0  # (frames - 1, 16)
    weights = 1 << np.arange(gained.shape[1], dtype=np.uint16)
    return (gained * weights).sum(axis=1).astype(np.uint16)
