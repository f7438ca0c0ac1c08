"""Speech from espeak-ng, spoken in a process of its own.

espeak-ng keeps state between sentences that nothing resets, so only a fresh process says the same thing in the same
way twice. The process reads requests, one JSON object a line, and answers each with its number of samples (int32, -1
where the voice is unknown) and the samples (int16, 22050 Hz).
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from asr.errors import UserError

SAMPLE_RATE = 22050
AUDIO_OUTPUT_SYNCHRONOUS = 2  # espeak/speak_lib.h
RATE, PITCH, PITCH_RANGE = 1, 3, 4  # espeak_PARAMETER
CHARS_UTF8 = 1
UNKNOWN_VOICE = -1
SEED = 1  # of espeak-ng's breath noise


@dataclass(frozen=True, slots=True)
class Speech:
    """A sentence to say: `voice` as in "en-us+f3", `rate` in words a minute, `pitch` and `pitch_range` in 0-100."""

    text: str
    voice: str
    rate: int
    pitch: int
    pitch_range: int


def speak(speeches: Sequence[Speech]) -> Iterator[np.ndarray]:
    """Say every sentence: samples (S,) int16 at SAMPLE_RATE each, in order; the same for the same list.

    Raises UserError where espeak-ng cannot be loaded, or does not know a voice.
    """
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": path}
    command = [sys.executable, "-m", "asr.data.espeak"]
    with tempfile.TemporaryFile() as requests, tempfile.TemporaryFile() as errors:
        requests.write("".join(json.dumps(asdict(speech)) + "\n" for speech in speeches).encode())
        requests.seek(0)
        process = subprocess.Popen(command, stdin=requests, stdout=subprocess.PIPE, stderr=errors, env=environment)
        assert process.stdout is not None
        try:
            for speech in speeches:
                size = np.frombuffer(process.stdout.read(4), np.int32)
                if not len(size):
                    errors.seek(0)
                    raise UserError(_failure(errors.read().decode(errors="replace")))
                if size[0] == UNKNOWN_VOICE:
                    raise UserError(f"espeak-ng has no voice {speech.voice!r}; choose a language such as en or de")
                yield np.frombuffer(process.stdout.read(2 * int(size[0])), np.int16)
        finally:
            process.stdout.close()
            process.kill()
            process.wait()


def _failure(said: str) -> str:
    last = said.strip().splitlines()[-1] if said.strip() else "it stopped without a word"
    return (
        f"espeak-ng cannot speak ({last}); install it again (pip install --force-reinstall espeakng-loader), or train "
        "on your own recordings: data.source=FOLDER"
    )


def main() -> None:
    """Answer the requests on standard input until it ends."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    if library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, os.fsencode(espeakng_loader.get_data_path()), 0) < 0:
        raise OSError(f"espeak_Initialize failed; its data should be in {espeakng_loader.get_data_path()}")
    parts: list[np.ndarray] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def keep(samples, count, _events):  # type: ignore[no-untyped-def]
        if samples and count > 0:
            parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    library.espeak_SetSynthCallback(keep)
    for line in sys.stdin:
        speech = Speech(**json.loads(line))
        parts.clear()
        if library.espeak_SetVoiceByName(speech.voice.encode()) != 0:
            sys.stdout.buffer.write(np.int32(UNKNOWN_VOICE).tobytes())
            continue
        for parameter, value in ((RATE, speech.rate), (PITCH, speech.pitch), (PITCH_RANGE, speech.pitch_range)):
            library.espeak_SetParameter(parameter, value, 0)
        library.espeak_ng_SetRandSeed(ctypes.c_long(SEED))  # else it is the time of day
        text = speech.text.encode()
        library.espeak_Synth(text, len(text) + 1, 0, 0, 0, CHARS_UTF8, None, None)
        samples = np.concatenate(parts) if parts else np.zeros(0, np.int16)
        sys.stdout.buffer.write(np.int32(len(samples)).tobytes() + samples.tobytes())


if __name__ == "__main__":
    main()
