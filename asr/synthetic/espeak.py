"""Speech from espeak-ng, spoken in a process of its own.

espeak-ng keeps state between sentences that nothing resets, so only a fresh process says the same thing in the same
way twice. The process reads requests, one JSON object a line, and answers each with a JSON line, its number of samples
(null where the voice is unknown) and its words, and the samples (int16, 22050 Hz).
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import numpy as np

from asr.errors import UserError

SAMPLE_RATE = 22050
AUDIO_OUTPUT_SYNCHRONOUS = 2  # espeak/speak_lib.h
RATE, PITCH, PITCH_RANGE = 1, 3, 4  # espeak_PARAMETER
CHARS_UTF8 = 1
PHONEME_EVENTS = 1  # espeakINITIALIZE_PHONEME_EVENTS
LIST_TERMINATED, WORD, END, PHONEME = 0, 1, 5, 7  # espeak_EVENT_TYPE
PAUSE = b"_"  # what the names of its silent phonemes begin with
SEED = 1  # of espeak-ng's breath noise


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A sentence to say: `voice` as in "en-us+f3", `rate` in words a minute, `pitch` and `pitch_range` in 0-100."""

    text: str
    voice: str
    rate: int
    pitch: int
    pitch_range: int


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word, or several that espeak-ng runs together ("in the"), with its first sample and the one after its last."""

    text: str
    start: int
    end: int


def speak(speeches: Sequence[SpeechRequest]) -> Iterator[np.ndarray]:
    """Say every sentence: samples (S,) int16 at SAMPLE_RATE each, in order; the same for the same list.

    Raises UserError where espeak-ng cannot be loaded, or does not know a voice.
    """
    return (samples for samples, _ in speak_timed(speeches))


def speak_timed(speeches: Sequence[SpeechRequest]) -> Iterator[tuple[np.ndarray, list[SpokenWord]]]:
    """`speak`, with when each word is said."""
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": path}
    command = [sys.executable, "-m", "asr.synthetic.espeak"]
    with tempfile.TemporaryFile() as requests, tempfile.TemporaryFile() as errors:
        requests.write("".join(json.dumps(asdict(speech)) + "\n" for speech in speeches).encode())
        requests.seek(0)
        process = subprocess.Popen(command, stdin=requests, stdout=subprocess.PIPE, stderr=errors, env=environment)
        assert process.stdout is not None
        try:
            for speech in speeches:
                answer = process.stdout.readline()
                if not answer:
                    errors.seek(0)
                    raise UserError(_failure(errors.read().decode(errors="replace")))
                said = json.loads(answer)
                if said["samples"] is None:
                    raise UserError(f"espeak-ng has no voice {speech.voice!r}; choose a language such as en or de")
                samples = np.frombuffer(process.stdout.read(2 * said["samples"]), np.int16)
                yield samples, _words(speech.text, said["words"])
        finally:
            process.stdout.close()
            process.kill()
            process.wait()


def _words(text: str, places: Sequence[tuple[int, int, int]]) -> list[SpokenWord]:
    """(first character from 1, first sample, sample after the last) of every word -> the words."""
    characters = [place[0] - 1 for place in places] + [len(text)]
    return [
        SpokenWord(text[characters[index] : characters[index + 1]].strip(), start, end)
        for index, (_, start, end) in enumerate(places)
    ]


def _failure(said: str) -> str:
    last = said.strip().splitlines()[-1] if said.strip() else "it stopped without a word"
    return (
        f"espeak-ng cannot speak ({last}); install it again (pip install --force-reinstall espeakng-loader), or train "
        "on your own recordings: data.source=FOLDER"
    )


class Event(ctypes.Structure):
    """espeak_EVENT."""

    _fields_ = (
        *(("type", ctypes.c_int), ("identifier", ctypes.c_uint), ("text_position", ctypes.c_int)),
        *(("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int)),
        *(("user_data", ctypes.c_void_p), ("name", ctypes.c_char * 8)),
    )


def note_words(events: Iterable[Event], places: list[list[int | None]]) -> None:
    """Add to the places of the words; one ends with all, or where the next or a pause before it begins."""
    for event in events:
        silent = event.type == PHONEME and event.name.startswith(PAUSE)
        if places and places[-1][2] is None and (silent or event.type in (WORD, END)):
            places[-1][2] = event.sample
        if event.type == WORD:
            places.append([event.text_position, event.sample, None])
        elif event.type == PHONEME and not silent and places:
            places[-1][2] = None


def events_of(first) -> Iterator[Event]:  # type: ignore[no-untyped-def]
    for index in count():
        if first[index].type == LIST_TERMINATED:
            return
        yield first[index]


def main() -> None:
    """Answer the requests on standard input until it ends."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = os.fsencode(espeakng_loader.get_data_path())
    if library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data, PHONEME_EVENTS) < 0:
        raise OSError(f"espeak_Initialize failed; its data should be in {espeakng_loader.get_data_path()}")
    parts: list[np.ndarray] = []
    places: list[list[int | None]] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))
    def keep(samples, count, events):  # type: ignore[no-untyped-def]
        if samples and count > 0:
            parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        note_words(events_of(events), places)
        return 0

    library.espeak_SetSynthCallback(keep)
    for line in sys.stdin:
        speech = SpeechRequest(**json.loads(line))
        parts.clear()
        places.clear()
        if library.espeak_SetVoiceByName(speech.voice.encode()) != 0:
            sys.stdout.buffer.write(b'{"samples": null}\n')
            continue
        for parameter, value in ((RATE, speech.rate), (PITCH, speech.pitch), (PITCH_RANGE, speech.pitch_range)):
            library.espeak_SetParameter(parameter, value, 0)
        library.espeak_ng_SetRandSeed(ctypes.c_long(SEED))  # else it is the time of day
        text = speech.text.encode()
        library.espeak_Synth(text, len(text) + 1, 0, 0, 0, CHARS_UTF8, None, None)
        samples = np.concatenate(parts) if parts else np.zeros(0, np.int16)
        if places and places[-1][2] is None:
            places[-1][2] = len(samples)
        answer = json.dumps({"samples": len(samples), "words": places})
        sys.stdout.buffer.write(f"{answer}\n".encode() + samples.tobytes())


if __name__ == "__main__":
    main()
