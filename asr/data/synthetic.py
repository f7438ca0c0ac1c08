"""The embedded corpus: sentences spoken by many voices of espeak-ng, made on first use and kept in a cache folder."""

import errno
import importlib
import json
import os
import pkgutil
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

from asr.data import grammars
from asr.data.audio import one_torch_thread, resample
from asr.data.espeak import SAMPLE_RATE as ESPEAK_RATE
from asr.data.espeak import Speech, speak
from asr.data.splits import draw_splits
from asr.data.utterance import SPLITS, Reading, Utterance
from asr.errors import UserError

VERSION = 2  # to be raised when the same parameters come to mean other speech
SAMPLE_RATE = 16000
METADATA = "metadata.jsonl"
MIN_SENTENCES = 20  # of a user's own: fewer cannot be told apart into train, dev and test
MAX_LEVEL = 0.95  # of full scale

# espeak-ng's voice variants that people understand; whispering, croaking, robotic and echoing ones are left out.
VARIANTS = (
    "Alex",
    "Alicia",
    "Andrea",
    "Andy",
    "Annie",
    "Denis",
    "Diogo",
    "Gene",
    "Gene2",
    "Henrique",
    "Hugo",
    "Lee",
    "Mario",
    "Michael",
    "Mike",
    "Nguyen",
    "Reed",
    "adam",
    "anika",
    "antonio",
    "aunty",
    "belinda",
    "benjamin",
    "boris",
    "david",
    "edward",
    "edward2",
    "f1",
    "f2",
    "f3",
    "f4",
    "f5",
    "grandma",
    "gustave",
    "ian",
    "iven2",
    "iven3",
    "iven4",
    "john",
    "linda",
    "m1",
    "m2",
    "m3",
    "m4",
    "m5",
    "m6",
    "m7",
    "m8",
    "marcelo",
    "max",
    "michel",
    "miguel",
    "mike2",
    "norbert",
    "pablo",
    "paul",
    "pedro",
    "quincy",
    "rob",
    "robert",
    "sandro",
    "shelby",
    "steph",
    "steph2",
    "travis",
    "victor",
)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice and its habits: `rate` in words a minute, `pitch` and `pitch_range` in 0-100, level and SNR in dB."""

    name: str
    voice: str
    rate: int
    pitch: int
    pitch_range: int
    level_db: float
    snr_db: float


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
    own = None if text is None else _own_sentences(Path(text))
    parameters = [VERSION, list(languages), own, counts, voices, seed]
    name = blake2b(json.dumps(parameters).encode(), digest_size=8).hexdigest()
    folder = Path(source or cache or default_cache()).absolute() / name
    found = _kept(folder)
    if not found:
        _make(folder, _plan(languages, own, counts, voices, seed))
        found = _kept(folder)
    note = f"synthetic speech by espeak-ng ({', '.join(languages)}): {len(found)} utterances in {folder}"
    return Reading(found, note)


def _kept(folder: Path) -> list[Utterance]:
    """What a cache folder holds; nothing where it is not there, or where somebody has removed a part of it."""
    if not (folder / METADATA).is_file():
        return []
    lines = [json.loads(line) for line in (folder / METADATA).read_text(encoding="utf-8").splitlines()]
    found = [Utterance(**(line | {"audio": folder / line["audio"]})) for line in lines]
    return found if all(utterance.audio is not None and utterance.audio.is_file() for utterance in found) else []


def default_cache() -> Path:
    """$XDG_CACHE_HOME/asr/synthetic, or ~/.cache/asr/synthetic."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "asr" / "synthetic"


def languages_known() -> list[str]:
    """The languages that sentences can be made in without a text of the user's own."""
    return sorted(module.name for module in pkgutil.iter_modules(grammars.__path__))


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


def _own_sentences(path: Path) -> list[str]:
    """The distinct sentences of a user's file, in order."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"text={path}: {error.strerror}; give a file with one sentence a line") from error
    except UnicodeDecodeError as error:
        raise UserError(f"text={path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    sentences = list(dict.fromkeys(" ".join(line.split()) for line in lines if line.strip()))
    if len(sentences) < MIN_SENTENCES:
        raise UserError(f"text={path}: {len(sentences)} different sentences; give {MIN_SENTENCES} or more, one a line")
    return sentences


def _plan(
    languages: Sequence[str], own: list[str] | None, counts: dict[str, int], voices: dict[str, int], seed: int
) -> list[tuple[Line, Speaker]]:
    """Who says what: every utterance's line of metadata and its speaker."""
    chance = random.Random(f"{VERSION} {seed}")
    variants = chance.sample(VARIANTS, len(VARIANTS))
    plan = []
    for index, language in enumerate(languages):
        share = {split: len(range(index, count, len(languages))) for split, count in counts.items()}
        sentences = _split_own(own) if own is not None else _generated(language, share, chance)
        voice = importlib.import_module(f"{grammars.__name__}.{language}").VOICE if own is None else language
        held_out = voices["dev"] + voices["test"]
        clear = {
            "dev": variants[: voices["dev"]],
            "test": variants[voices["dev"] : held_out],
            "train": variants[held_out:],
        }
        for split in SPLITS:
            chosen = islice(cycle(clear[split]), voices[split])  # train's come again with another pitch and rate
            cast = [_speaker(f"{voice}+{variant}", chance) for variant in chosen]
            for number in range(share[split]):
                speaker = cast[number % len(cast)]
                name = f"{split}-{language}-{number:05d}"
                sentence = sentences[split][number % len(sentences[split])]
                plan.append((Line(name, f"{split}/{name}.flac", sentence, speaker.name, split), speaker))
    return sorted(plan, key=lambda entry: entry[1].name)


def _speaker(voice: str, chance: random.Random) -> Speaker:
    rate, pitch, pitch_range = chance.randint(140, 185), chance.randint(35, 65), chance.randint(30, 70)
    name = f"{voice}-{rate}-{pitch}".replace(" ", "_")
    return Speaker(name, voice, rate, pitch, pitch_range, chance.uniform(-28, -20), chance.uniform(25, 40))


def _split_own(sentences: Sequence[str]) -> dict[str, list[str]]:
    """A user's sentences, a tenth each to dev and test by a hash of the sentence."""
    drawn = draw_splits(sentences, dev_fraction=0.1, test_fraction=0.1)
    return {split: [sentence for sentence in sentences if drawn[sentence] == split] for split in SPLITS}


def _generated(language: str, share: dict[str, int], chance: random.Random) -> dict[str, list[str]]:
    """Different sentences of a language's grammar; dev and test say nothing that train says, in words that it does."""
    grammar = importlib.import_module(f"{grammars.__name__}.{language}")
    train = _distinct(grammar, share["train"], chance, set(), None)
    words = {word for sentence in train for word in sentence.split()}
    dev = _distinct(grammar, share["dev"], chance, set(train), words)
    test = _distinct(grammar, share["test"], chance, {*train, *dev}, words)
    if len(dev) < share["dev"] or len(test) < share["test"]:
        raise UserError(
            f"utterances: {len(train)} in {language} use too few words for unheard sentences; ask for more, or for "
            "fewer held_out_utterances"
        )
    return {"train": train, "dev": dev, "test": test}


def _distinct(grammar, count: int, chance: random.Random, taken: set[str], words: set[str] | None) -> list[str]:
    """`count` sentences not in `taken`, of `words` alone; fewer where a small grammar has no more."""
    found: dict[str, None] = {}
    for _ in range(50 * count):
        if len(found) == count:
            break
        sentence = _sentence(grammar, chance)
        if sentence not in taken and (words is None or words.issuperset(sentence.split())):
            found[sentence] = None
    return list(found)


def _sentence(grammar, chance: random.Random) -> str:
    """One sentence: a pattern whose slots are filled, none with the same phrase twice."""
    used: set[str] = set()
    parts = []
    for part in chance.choice(grammar.PATTERNS).split():
        if part.startswith("{"):
            part = chance.choice([phrase for phrase in grammar.WORDS[part[1:-1]].split("|") if phrase not in used])
            used.add(part)
        parts.append(part)
    return " ".join(parts)


def _make(folder: Path, plan: Sequence[tuple[Line, Speaker]]) -> None:
    """Speak the corpus into a temporary folder, and give it its name when it is whole."""
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        with one_torch_thread():
            _write(temporary, plan)
        if not _kept(folder):  # else another process was faster, and made the same
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
        Speech(line.text, speaker.voice, speaker.rate, speaker.pitch, speaker.pitch_range) for line, speaker in plan
    ]
    for (line, speaker), samples in zip(plan, speak(speeches), strict=True):
        noise = np.random.default_rng(int.from_bytes(blake2b(line.id.encode(), digest_size=8).digest(), "big"))
        soundfile.write(folder / line.audio, recorded(samples, speaker, noise), SAMPLE_RATE, subtype="PCM_16")
    lines = sorted((line for line, _ in plan), key=lambda line: line.id)
    text = "".join(json.dumps(asdict(line), ensure_ascii=False) + "\n" for line in lines)
    (folder / METADATA).write_text(text, encoding="utf-8")


def recorded(samples: np.ndarray, speaker: Speaker, noise: np.random.Generator) -> np.ndarray:
    """Speech (S,) int16 at ESPEAK_RATE as if recorded: (S',) float32 at SAMPLE_RATE, at a level, with noise."""
    speech = resample(samples.astype(np.float32) / 32768, ESPEAK_RATE, SAMPLE_RATE)
    level = 10 ** (speaker.level_db / 20)
    speech = speech * (level / max(float(np.sqrt(np.mean(speech**2))), 1e-6))
    heard = speech + noise.standard_normal(len(speech), dtype=np.float32) * level * 10 ** (-speaker.snr_db / 20)
    return heard * min(1.0, MAX_LEVEL / float(np.abs(heard).max()))
