"""Augmentation: random changes of the audio or of its features. Never applied outside training.

Each part is made with the corpus's `sample_rate` (Hz), is `(x, lengths) -> (x, lengths)`, and says in `domain` whether
it works on the waveform (B, S) or on the frames (B, T, F). All draw from torch's own random numbers, on the device of
the batch, so that a seed repeats them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio
from torch import Tensor, nn

from asr.errors import UserError
from asr.model.masking import zero_padding

BROWN_DB = 6  # by which the power of brown noise falls an octave


class Augmentation(nn.Module):
    """All chosen parts in their order, those of the waveform and those of the frames."""

    def __init__(self, parts: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.on_waveform = nn.ModuleList(part for part in parts.values() if part.domain == "waveform")
        self.on_frames = nn.ModuleList(part for part in parts.values() if part.domain == "frames")
        self.active = True  # set by the training budget, which lets the first steps see the recordings as they are

    def waveform(self, waveform: Tensor, lengths: Tensor, chosen: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, S), (B,) samples -> others, perhaps more or fewer; `chosen`: which (B,) are changed, None for all."""
        with torch.autocast(waveform.device.type, enabled=False):  # bf16 samples would hiss at -48 dB
            return self.changed(self.on_waveform, waveform, lengths, chosen)

    def frames(self, frames: Tensor, lengths: Tensor, chosen: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, T, F), (B,) frames -> others; `chosen`: which (B,) are changed, None for all."""
        return self.changed(self.on_frames, frames, lengths, chosen)

    def changed(self, parts: nn.ModuleList, x: Tensor, lengths: Tensor, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
        """(B, N, …), (B,) -> what `parts` make of the chosen rows, beside the others as they are."""
        if not self.training or not self.active or not len(parts) or (chosen is not None and not chosen.any()):
            return x, lengths
        some, sizes = (x, lengths) if chosen is None else (x[chosen], lengths[chosen])
        for part in parts:
            some, sizes = part(some, sizes)
        return (some, sizes) if chosen is None else with_rows(x, lengths, chosen, some, sizes)


class SpeedPerturbation(nn.Module):
    """Play a batch at one of `factors` of its speed, pitch included (Ko et al. 2015)."""

    domain = "waveform"

    def __init__(self, sample_rate: int, factors: Sequence[float]) -> None:
        super().__init__()
        self.speed = torchaudio.transforms.SpeedPerturbation(sample_rate, list(factors))

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        waveform, changed = self.speed(waveform, lengths)
        return waveform, changed.clamp_max(waveform.shape[1]).long()


class Gain(nn.Module):
    """Make each utterance louder or softer by a level drawn between `low_db` and `high_db`."""

    domain = "waveform"

    def __init__(self, sample_rate: int, low_db: float, high_db: float) -> None:
        super().__init__()
        self.low_db, self.high_db = low_db, high_db

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        level_db = torch.empty(len(waveform), 1, device=waveform.device).uniform_(self.low_db, self.high_db)
        return waveform * 10 ** (level_db / 20), lengths


class Noise(nn.Module):
    """Add noise to a share of the utterances at a signal-to-noise ratio drawn between `low_db` and `high_db`.

    The noise is a stretch of a recording in `folder`, or, without one, random with a spectrum falling by 0 to
    `fall_db` dB an octave: 0 is white, BROWN_DB from white to brown.
    """

    domain = "waveform"

    def __init__(
        self,
        sample_rate: int,
        low_db: float,
        high_db: float,
        probability: float,
        folder: str | None = None,
        fall_db: float = BROWN_DB,
    ) -> None:
        super().__init__()
        self.low_db, self.high_db, self.probability, self.fall_db = low_db, high_db, probability, fall_db
        self.recordings = read_folder(folder, sample_rate, "augment.noise.folder") if folder else []

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        chosen = torch.rand(len(waveform), device=waveform.device) < self.probability
        if not chosen.any():
            return waveform, lengths
        speech, size = waveform[chosen], lengths[chosen]
        noise = torch.stack([self.stretch(speech.shape[1]) for _ in speech]).to(speech)
        ratio_db = torch.empty(len(speech), device=speech.device).uniform_(self.low_db, self.high_db)
        noise = noise + 1e-8 * torch.randn_like(noise)  # a silent stretch has no level to scale
        waveform = waveform.clone()
        waveform[chosen] = zero_padding(torchaudio.functional.add_noise(speech, noise, ratio_db, size), size)
        return waveform, lengths

    def stretch(self, samples: int) -> Tensor:
        if not self.recordings:
            return coloured_noise(samples, self.fall_db)
        recording = self.recordings[int(torch.randint(len(self.recordings), ()))]
        start = int(torch.randint(len(recording), ()))
        return recording.roll(-start).repeat(samples // len(recording) + 1)[:samples]


class TimeShift(nn.Module):
    """Move each utterance in time by a share of its own length drawn between -`most_share` and `most_share`.

    What leaves at one end is lost, and zeros come in at the other; with `fill` "wrapped" it comes in there instead.
    """

    domain = "waveform"

    def __init__(self, sample_rate: int, most_share: float, fill: str) -> None:
        super().__init__()
        if fill not in ("zeros", "wrapped"):
            raise UserError(f"augment.time_shift.fill={fill}: zeros or wrapped is wanted")
        self.most_share, self.fill = most_share, fill

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        size = lengths.unsqueeze(1)
        share = torch.empty(len(waveform), 1, device=waveform.device).uniform_(-self.most_share, self.most_share)
        source = torch.arange(waveform.shape[1], device=waveform.device) - (share * size).round().long()  # (B, S)
        place = source % size.clamp_min(1)
        found = waveform.gather(1, place)
        found = found if self.fill == "wrapped" else found.where(source == place, 0.0)
        return zero_padding(found, lengths), lengths


class Reverberation(nn.Module):
    """Put a share of the utterances in a room: convolve with an impulse response from `folder` (Ko et al. 2017).

    The direct sound stays where it was and the utterance keeps its length and energy.
    """

    domain = "waveform"

    def __init__(self, sample_rate: int, folder: str | None, probability: float) -> None:
        super().__init__()
        if folder is None:
            raise UserError("augment.reverberation.folder is missing: give a folder of room impulse responses")
        self.probability = probability
        self.responses = read_folder(folder, sample_rate, "augment.reverberation.folder")

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        waveform = waveform.clone()
        for index in (torch.rand(len(waveform)) < self.probability).nonzero().flatten().tolist():
            response = self.responses[int(torch.randint(len(self.responses), ()))].to(waveform)
            response = response[int(response.abs().argmax()) :]
            dry = waveform[index, : lengths[index]]
            wet = torchaudio.functional.fftconvolve(dry, response)[: len(dry)]
            waveform[index, : lengths[index]] = wet * (dry.norm() / wet.norm().clamp_min(1e-8))
        return waveform, lengths


class SpecAugment(nn.Module):
    """Blank out bands of time and of frequency (Park et al. 2019), with widths in shares of the whole.

    `time_masks` bands are at most `time_share` of the utterance each, `frequency_masks` bands at most
    `frequency_share` of the coefficients. Normalized frames have mean 0, which is what the bands are filled with.
    """

    domain = "frames"

    def __init__(
        self, sample_rate: int, time_masks: int, time_share: float, frequency_masks: int, frequency_share: float
    ) -> None:
        super().__init__()
        self.time_masks, self.time_share = time_masks, time_share
        self.frequency_masks, self.frequency_share = frequency_masks, frequency_share

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        bins = torch.full_like(lengths, frames.shape[2])
        hidden_time = bands(lengths, frames.shape[1], self.time_masks, self.time_share)
        hidden_bins = bands(bins, frames.shape[2], self.frequency_masks, self.frequency_share)
        return frames.masked_fill(hidden_time.unsqueeze(2) | hidden_bins.unsqueeze(1), 0.0), lengths


def bands(sizes: Tensor, width: int, count: int, share: float) -> Tensor:
    """(B,) sizes -> (B, width) bool, True in the union of `count` bands each up to `share` of its size."""
    draw = torch.rand(2, len(sizes), count, 1, device=sizes.device)
    extent = draw[0] * share * sizes.view(-1, 1, 1)
    start = draw[1] * (sizes.view(-1, 1, 1) - extent)
    place = torch.arange(width, device=sizes.device)
    return ((place >= start) & (place < start + extent)).any(1)


def with_rows(x: Tensor, lengths: Tensor, chosen: Tensor, rows: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
    """(B, N, …), (B,) with `rows` (b, M, …), `sizes` (b,) where `chosen` (B,) is True, and zeros behind the shorter."""
    together = x.new_zeros(len(x), max(x.shape[1], rows.shape[1]), *x.shape[2:])
    together[~chosen, : x.shape[1]] = x[~chosen]
    together[chosen, : rows.shape[1]] = rows
    lengths = lengths.clone()
    lengths[chosen] = sizes
    return together, lengths


def coloured_noise(samples: int, fall_db: float) -> Tensor:
    """(samples,) of unit variance, its power falling by a slope drawn between 0 (white) and `fall_db` dB an octave."""
    spectrum = torch.fft.rfft(torch.randn(samples))
    frequency = torch.arange(len(spectrum)).clamp_min(1)
    noise = torch.fft.irfft(spectrum * frequency ** -(fall_db / BROWN_DB * float(torch.rand(()))), samples)
    return noise / noise.std().clamp_min(1e-8)


def read_folder(folder: str, sample_rate: int, key: str) -> list[Tensor]:
    """Every recording below `folder`, first channel, resampled: [(S,), …]; UserError naming `key` if none."""
    suffixes = {f".{name.lower()}" for name in soundfile.available_formats()} | {".opus", ".oga"}
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in suffixes)
    recordings = []
    for path in paths:
        try:
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise UserError(f"{key}: {path} cannot be read ({error}); remove or replace it") from error
        if len(samples) and np.isfinite(samples).all() and samples.any():
            recordings.append(torchaudio.functional.resample(torch.from_numpy(samples[:, 0].copy()), rate, sample_rate))
    if not recordings:
        raise UserError(f"{key}={folder}: no recordings found there; give a folder of .wav or .flac files")
    return recordings
