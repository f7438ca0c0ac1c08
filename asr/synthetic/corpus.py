"""The embedded corpus: sentences spoken by many voices of espeak-ng, made on first use and kept in a cache folder."""

import errno
import importlib
import json
import os
import random
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import soundfile

from asr.audio.recording import one_torch_thread
from asr.corpus.utterance import SPLITS, Reading, Utterance
from asr.errors import UserError
from asr.synthetic import grammars
from asr.synthetic.espeak import SpeechRequest, speak
from asr.synthetic.sentences import generated_sentences, languages_known, own_sentences, split_own
from asr.synthetic.voices import SAMPLE_RATE, VARIANTS, Speaker, new_speaker, recorded

VERSION = 2  # to be raised when the same parameters come to mean other speech
METADATA = "metadata.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of metadata.jsonl."""

    id: str
    audio: str
    text: str
    speaker: str
    split: str


def read(
    source: Path | str | None = None,
    *,
    languages: Sequence[str] = ("en",),
    text: Path | str | None = None,
    utterances: int = 2000,
    held_out_utterances: int = 90,
    speakers: int = 108,
    held_out_speakers: int = 6,
    seed: int = 0,
    cache: Path | str | None = None,
) -> Reading:
    """Utterances of the synthetic corpus, spoken now where its cache folder does not hold them yet.

    `utterances` and `speakers` are those of train (2000 are about 70 minutes); dev and test have
    `held_out_utterances` and `held_out_speakers` each, of voices and sentences that train has not. `text` is a file of
    the user's own sentences, one a line, in the one language given. `source`, where given, is the cache folder.
    Raises UserError where a parameter, the text, the disk or espeak-ng does not allow it.
    """
    counts = {"train": utterances, "dev": held_out_utterances, "test": held_out_utterances}
    voices = {"train": speakers, "dev": held_out_speakers, "test": held_out_speakers}
    _check(languages, text, counts, voices)
    own = None if text is None else own_sentences(Path(text))
    parameters = [VERSION, list(languages), own, counts, voices, seed]
    name = blake2b(json.dumps(parameters).encode(), digest_size=8).hexdigest()
    folder = Path(source or cache or default_cache()).absolute() / name
    found = _spoken_before(folder)
    if not found:
        _make(folder, plan_of(languages, own, counts, voices, seed))
        found = _spoken_before(folder)
    note = f"synthetic speech by espeak-ng ({', '.join(languages)}): {len(found)} utterances in {folder}"
    return Reading(found, note)


def _spoken_before(folder: Path) -> list[Utterance]:
    """What a cache folder holds; nothing where it is not there, or where somebody has removed a part of it."""
    if not (folder / METADATA).is_file():
        return []
    lines = [json.loads(line) for line in (folder / METADATA).read_text(encoding="utf-8").splitlines()]
    found = [Utterance(**(line | {"audio": folder / line["audio"]})) for line in lines]
    return found if all(utterance.audio is not None and utterance.audio.is_file() for utterance in found) else []


def default_cache() -> Path:
    """$XDG_CACHE_HOME/asr/synthetic, or ~/.cache/asr/synthetic."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "asr" / "synthetic"


def _check(languages: Sequence[str], text: object, counts: dict[str, int], voices: dict[str, int]) -> None:
    if not languages or isinstance(languages, str):
        raise UserError(f"languages={languages!r}: must be a list of languages, such as [en]")
    if text is not None and len(languages) != 1:
        raise UserError(f"languages={list(languages)}: with a text of your own give its one language, such as [en]")
    unknown = sorted(set(languages) - set(languages_known()))
    if text is None and unknown:
        raise UserError(
            f"languages: no sentences for {', '.join(unknown)}; there are {', '.join(languages_known())}, or give a "
            "file with your own sentences, one a line (text=FILE)"
        )
    if min(*counts.values(), *voices.values()) < 1:
        raise UserError("utterances, held_out_utterances, speakers and held_out_speakers must be 1 or more")
    if 2 * voices["test"] >= len(VARIANTS):
        raise UserError(
            f"held_out_speakers={voices['test']}: espeak-ng has {len(VARIANTS)} clear voices, "
            "of which dev and test take as many each, and train the rest; ask for fewer"
        )


def plan_of(
    languages: Sequence[str], own: list[str] | None, counts: dict[str, int], voices: dict[str, int], seed: int
) -> list[tuple[Line, Speaker]]:
    """Who says what: every utterance's line of metadata and its speaker."""
    chance = random.Random(f"{VERSION} {seed}")
    variants = chance.sample(VARIANTS, len(VARIANTS))
    plan = []
    for index, language in enumerate(languages):
        share = {split: len(range(index, count, len(languages))) for split, count in counts.items()}
        sentences = split_own(own) if own is not None else generated_sentences(language, share, chance)
        voice = importlib.import_module(f"{grammars.__name__}.{language}").VOICE if own is None else language
        held_out = voices["dev"] + voices["test"]
        clear = {
            "dev": variants[: voices["dev"]],
            "test": variants[voices["dev"] : held_out],
            "train": variants[held_out:],
        }
        for split in SPLITS:
            chosen = islice(cycle(clear[split]), voices[split])  # train's come again with another pitch and rate
            cast = [new_speaker(f"{voice}+{variant}", chance) for variant in chosen]
            for number in range(share[split]):
                speaker = cast[number % len(cast)]
                name = f"{split}-{language}-{number:05d}"
                sentence = sentences[split][number % len(sentences[split])]
                plan.append((Line(name, f"{split}/{name}.flac", sentence, speaker.name, split), speaker))
    return sorted(plan, key=lambda entry: entry[1].name)


def _make(folder: Path, plan: Sequence[tuple[Line, Speaker]]) -> None:
    """Speak the corpus into a temporary folder, and give it its name when it is whole."""
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        with one_torch_thread():
            _write(temporary, plan)
        if not _spoken_before(folder):  # else another process was faster, and made the same
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
    except (OSError, soundfile.LibsndfileError) as error:
        full = isinstance(error, soundfile.LibsndfileError) or error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "the disk is full" if full else error.strerror
        raise UserError(
            f"the synthetic corpus cannot be written to {folder.parent}: {what}; it takes about 100 MB: make room, or "
            "set XDG_CACHE_HOME (or the reader's cache) to a folder elsewhere"
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _write(folder: Path, plan: Sequence[tuple[Line, Speaker]]) -> None:
    for split in SPLITS:
        (folder / split).mkdir()
    speeches = [
        SpeechRequest(line.text, speaker.voice, speaker.rate, speaker.pitch, speaker.pitch_range)
        for line, speaker in plan
    ]
    for (line, speaker), samples in zip(plan, speak(speeches), strict=True):
        soundfile.write(folder / line.audio, recorded(samples, speaker, noise_of(line)), SAMPLE_RATE, subtype="PCM_16")
    lines = sorted((line for line, _ in plan), key=lambda line: line.id)
    text = "".join(json.dumps(asdict(line), ensure_ascii=False) + "\n" for line in lines)
    (folder / METADATA).write_text(text, encoding="utf-8")


def noise_of(line: Line) -> np.random.Generator:
    """What the noise of an utterance is drawn by."""
    return np.random.default_rng(int.from_bytes(blake2b(line.id.encode(), digest_size=8).digest(), "big"))
