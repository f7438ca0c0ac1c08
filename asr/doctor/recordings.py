"""Faults of recordings, found from their measures: of each one alone, and in comparison with the others."""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from asr.doctor.duplicates import exact_copies, near_copies
from asr.doctor.findings import Finding
from asr.doctor.measures import Measures, median_and_spread

CLIPPED_PEAKS = 5  # flat peaks from which on a recording was cut off
OFFSET, OFFSET_OF_LEVEL = 0.002, 0.1  # of full scale, and of the recording's own level
NOISY_SNR_DB, NOISY_DYNAMIC_DB = 5.0, 15.0  # both have to be below: either alone errs on odd recordings
BAND_LIMIT = 0.85  # of half the sample rate
HIGHEST_AUDIBLE_HZ = 20_000  # nobody hears more, and codecs keep no more
RATE_Z = 5.0  # robust deviations of the logarithm of characters per second
MIN_FOR_RATE = 20  # utterances below which there is no usual rate


def faults_of_recordings(measures: Mapping[str, Measures], rates_hz: Mapping[str, int]) -> Iterator[Finding]:
    """What is wrong with single recordings: clipped, DC offset, noisy, band-limited, another sample rate."""
    common = Counter(rates_hz.values()).most_common(1)[0][0] if rates_hz else 0
    for name, m in measures.items():
        if m.clipped_peaks >= CLIPPED_PEAKS:
            yield Finding("clipped", name, f"{m.clipped_peaks} flat peaks at {m.peak:.2f} of full scale")
        if abs(m.offset) > OFFSET and abs(m.offset) > OFFSET_OF_LEVEL * 10 ** (m.level_db / 20):
            yield Finding("dc_offset", name, f"{m.offset:+.3f} of full scale, at a level of {m.level_db:.0f} dB")
        if m.snr_db < NOISY_SNR_DB and m.dynamic_db < NOISY_DYNAMIC_DB:
            yield Finding("noisy", name, f"signal-to-noise ratio about {m.snr_db:.0f} dB")
        if m.bandwidth_hz < BAND_LIMIT * min(rates_hz[name] / 2, HIGHEST_AUDIBLE_HZ):
            heard = f"nothing above {m.bandwidth_hz / 1000:.1f} kHz at a sample rate of {rates_hz[name]} Hz"
            yield Finding("band_limited", name, heard)
        if rates_hz[name] != common:
            yield Finding("sample_rate", name, f"{rates_hz[name]} Hz, most have {common} Hz")


def other_channels(channels: Mapping[str, int]) -> Iterator[Finding]:
    """Recordings whose number of channels is not that of most."""
    common = Counter(channels.values()).most_common(1)[0][0] if channels else 0
    for name, count in channels.items():
        if count != common:
            yield Finding("channels", name, f"{count} channel{'s' * (count > 1)}, most have {common}")


def copies(measures: Mapping[str, Measures], split_of: Mapping[str, str]) -> Iterator[Finding]:
    """Recordings that are there twice, and the splits that they are in where these are two."""

    def placed(name: str, first: str) -> str:
        one, other = split_of.get(name), split_of.get(first)
        return f"; this one is in {one}, the other in {other}" if one != other else ""

    exact = exact_copies(measures)
    for name, first in exact.items():
        yield Finding("audio_duplicate", name, f"the same samples as {first}{placed(name, first)}")
    others = {name: m for name, m in measures.items() if name not in exact}
    for name, (first, share) in near_copies(others).items():
        found = f"sounds as {first} does ({share:.0%} of its fingerprint){placed(name, first)}"
        yield Finding("audio_duplicate", name, found)


def speaking_rates(
    seconds: Mapping[str, float], texts: Mapping[str, str], speech_seconds: Mapping[str, float] | None = None
) -> Iterator[Finding]:
    """Utterances much longer or shorter than their characters usually take, by a robust z-score of the logarithm.

    What a character takes, and the silence around the speech, are estimated together: one word alone is no slow speech.
    Where the seconds without pauses are known, they too have to be too many: who pauses is no slow speaker.
    """
    names = [name for name in seconds if texts.get(name)]
    if len(names) < MIN_FOR_RATE:
        return
    characters = np.array([len(texts[name]) for name in names], float)
    lengths = np.array([seconds[name] for name in names])
    expected, scores = rate_scores(characters, lengths)
    spoken = (
        scores if speech_seconds is None else rate_scores(characters, np.array([*map(speech_seconds.get, names)]))[1]
    )
    for name, count, length, usually, z, z_spoken in zip(
        names, characters, lengths, expected, scores, spoken, strict=True
    ):
        if z > RATE_Z or max(z, z_spoken) < -RATE_Z:
            found = f"{count / length:.1f} characters a second in {length:.1f} s, {usually:.1f} s are usual for so many"
            yield Finding("speaking_rate", name, f"{found} (z = {z:+.1f}): {texts[name]}")


def rate_scores(characters: np.ndarray, seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Seconds that are usual for so many characters, and how many robust deviations the rates lie above theirs."""
    expected = usual_lengths(characters, seconds)
    logs = np.log(expected / seconds)
    middle, spread = median_and_spread(logs)
    return expected, (logs - middle) / spread


def usual_lengths(characters: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Seconds that so many characters take: a line through the corpus, fitted twice without its extremes."""
    slope, silence = np.median(seconds / characters), 0.0
    for _ in range(2):
        error = np.abs(np.log(seconds / (silence + slope * characters)))
        kept = error <= np.quantile(error, 0.8)
        if np.ptp(characters[kept]) < 1:
            break
        fitted_slope, fitted_silence = np.polyfit(characters[kept], seconds[kept], 1)
        if fitted_slope <= 0:
            break
        slope, silence = fitted_slope, max(0.0, fitted_silence)
    return silence + slope * characters
