"""How loud a recording is, how much of it is speech, and how far that stands out from the noise.

All take mono samples (S,) float32, full scale 1, at the file's own sample rate in Hz; but for `level_and_snr` without
offset.
"""

from functools import cache

import numpy as np

FRAME_S = 0.025
PAUSE_SHARE_OF_RANGE, PAUSE_BELOW_LOUD_DB = (
    0.6,
    25.0,
)  # share of the way from loud to soft, and decibels, below which a frame is a pause
AMPLITUDES_NEED_S = 1.5  # from which on the amplitudes of speech are distributed as they usually are
PERIOD_S = (0.0025, 0.0125)  # of voices, 80 to 400 Hz
VOICED_FRAME_S, VOICED_HOP_S = 0.04, 0.02
VOICED_RATE = 8000  # Hz, about: above, not even vowels repeat themselves
NOISE_PERCENTILE = 10  # percentile of the frames' noise that is taken for the noise of all


def level_and_snr(samples: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """How loud, in dB of full scale, and how far above its noise, in dB."""
    centred = samples - np.float32(samples.mean(dtype=np.float64))
    return decibels(float(np.mean(centred**2, dtype=np.float64))), signal_to_noise(centred, sample_rate)


def decibels(power: float) -> float:
    return 10 * float(np.log10(max(power, 1e-12)))


def loudness(samples: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """Decibels between the loud (95th percentile) and the soft (5th) frames, and seconds that are not pauses."""
    size = max(1, round(FRAME_S * sample_rate))
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    if len(frames) < 4:
        return float("nan"), len(samples) / sample_rate
    levels = 10 * np.log10((frames**2).mean(axis=1) + 1e-12)
    soft, loud = np.percentile(levels, [5, 95])
    spoken = levels > loud - min(PAUSE_BELOW_LOUD_DB, PAUSE_SHARE_OF_RANGE * (loud - soft))
    return float(loud - soft), max(1, int(spoken.sum())) * size / sample_rate


def signal_to_noise(samples: np.ndarray, sample_rate: int) -> float:
    """Signal-to-noise ratio in dB: from the amplitudes where there are enough, else from the voice's periods."""
    if len(samples) >= AMPLITUDES_NEED_S * sample_rate:
        return wada_snr(samples)
    return periodic_snr(samples, sample_rate)


def wada_snr(samples: np.ndarray) -> float:
    """Signal-to-noise ratio in dB from the distribution of amplitudes alone, -10 to 60 (Kim & Stern 2008)."""
    amplitude = np.abs(samples[samples != 0])
    if not len(amplitude):
        return 60.0
    statistic = float(np.log(amplitude.mean(dtype=np.float64)) - np.log(amplitude).mean(dtype=np.float64))
    snr_db, expected = wada_table()
    return float(np.interp(statistic, expected, snr_db))


@cache
def wada_table() -> tuple[np.ndarray, np.ndarray]:
    """SNRs in dB, and the statistic of gamma-distributed speech (shape 0.4) in Gaussian noise at each of them."""
    random = np.random.default_rng(0)
    speech = random.gamma(0.4, 1.0, 200_000) * random.choice([-1.0, 1.0], 200_000)
    speech /= np.sqrt(np.mean(speech**2))
    noise = random.standard_normal(200_000)
    snr_db = np.arange(-10.0, 61.0)
    expected = []
    for ratio in snr_db:
        heard = np.abs(speech + noise * 10 ** (-ratio / 20))
        expected.append(np.log(heard.mean()) - np.log(np.maximum(heard, 1e-12)).mean())
    return snr_db, np.maximum.accumulate(np.array(expected))


def periodic_snr(samples: np.ndarray, sample_rate: int) -> float:
    """Signal-to-noise ratio in dB of a few syllables; a cut-out word has no pauses whose noise could be measured.

    Noise does not repeat itself from one period of the voice to the next: of a frame's power, the share 1 - r can be
    noise, with r its largest normalised autocorrelation at such a lag. The noise of the recording is that of its
    softest frames. Steady noise is found within about 3 dB, too few frames give 60 dB.
    """
    every = max(1, sample_rate // VOICED_RATE)
    samples = samples[: len(samples) // every * every].reshape(-1, every).mean(axis=1, dtype=np.float64)
    rate = sample_rate / every
    size, hop = round(VOICED_FRAME_S * rate), round(VOICED_HOP_S * rate)
    if len(samples) < 2 * size:
        return 60.0
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    frames = frames - frames.mean(axis=1, keepdims=True)
    padded = 1 << (2 * size - 1).bit_length()
    lags = np.arange(round(PERIOD_S[0] * rate), round(PERIOD_S[1] * rate) + 1)
    products = np.fft.irfft(np.abs(np.fft.rfft(frames, padded, axis=1)) ** 2, padded, axis=1)[:, lags]
    energy = np.cumsum(frames**2, axis=1)  # (frames, size)
    both = energy[:, size - 1 - lags] * (energy[:, -1:] - energy[:, lags - 1])
    repeats = np.clip((products / np.sqrt(both + 1e-20)).max(axis=1), 0, 1)
    power = energy[:, -1] / size
    noise = max(float(np.percentile(power * (1 - repeats), NOISE_PERCENTILE)), 1e-12)
    return float(np.clip(10 * np.log10(max(power.mean() - noise, 1e-12) / noise), -10, 60))
