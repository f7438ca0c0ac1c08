"""The sound of an utterance inside a page."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from markupsafe import Markup

LARGEST_FLAC_BYTES = 250_000  # a longer recording is embedded as MP3, lest a few make the page unwieldy


@dataclass(frozen=True)
class Sound:
    """An encoded recording; where there is one, its spectrogram as a WebP picture, and what is drawn over that.

    timeline: values that report.js draws over the picture: `seconds`, and for words and likely tokens `frame` (s),
    `reference`, `hypothesis`, `curves`.
    """

    data: bytes
    media_type: str
    picture: bytes | None = None
    timeline: Mapping[str, Any] | None = None

    @property
    def source(self) -> Markup:
        return data_url(self.media_type, self.data)

    @property
    def picture_source(self) -> Markup:
        return data_url("image/webp", self.picture or b"")


def data_url(media_type: str, data: bytes) -> Markup:
    """A file as an address that holds it."""
    return Markup(f"data:{media_type};base64,{base64.b64encode(data).decode()}")


def encode(samples: np.ndarray, sample_rate: int) -> Sound:
    """Samples (S,) in [-1, 1] as FLAC, long ones as MP3."""
    clipped = np.clip(np.asarray(samples, dtype=np.float32), -1.0, 1.0)
    file = io.BytesIO()
    soundfile.write(file, clipped, sample_rate, format="FLAC", subtype="PCM_16")
    if file.getbuffer().nbytes <= LARGEST_FLAC_BYTES or "MP3" not in soundfile.available_formats():
        return Sound(file.getvalue(), "audio/flac")
    file = io.BytesIO()
    soundfile.write(file, clipped, sample_rate, format="MP3")
    return Sound(file.getvalue(), "audio/mpeg")
