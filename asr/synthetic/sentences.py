"""The sentences of the embedded corpus: of a language's grammar or the user's own, split without overlap."""

import importlib
import pkgutil
import random
from collections.abc import Sequence
from pathlib import Path

from asr.corpus.splits import draw_splits
from asr.corpus.utterance import SPLITS
from asr.errors import UserError
from asr.synthetic import grammars

MIN_SENTENCES = 20  # of a user's own: fewer cannot be told apart into train, dev and test


def languages_known() -> list[str]:
    """The languages that sentences can be made in without a text of the user's own."""
    return sorted(module.name for module in pkgutil.iter_modules(grammars.__path__))


def own_sentences(path: Path) -> list[str]:
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


def split_own(sentences: Sequence[str]) -> dict[str, list[str]]:
    """A user's sentences, a tenth each to dev and test by a hash of the sentence."""
    drawn = draw_splits(sentences, dev_fraction=0.1, test_fraction=0.1)
    return {split: [sentence for sentence in sentences if drawn[sentence] == split] for split in SPLITS}


def generated_sentences(language: str, share: dict[str, int], chance: random.Random) -> dict[str, list[str]]:
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
