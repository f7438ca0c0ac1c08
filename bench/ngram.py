"""`asr lm` on text that is made up; prints JSON: seconds, peak memory, n-grams, and those of reading the file again.

    python -m bench.ngram [--words 10000000] [--order 3]

Words of a Zipf vocabulary; each is followed, three times in four, by one of a few words of its own, so that n-grams
come again as they do in real text. Every step is a process of its own, whose peak memory is the system's count.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

VOCABULARY, FOLLOWERS, FOLLOWED = 100_000, 40, 0.75
SENTENCE_WORDS, BESIDE = 18, 20_000  # sentences that are made side by side
READING = (
    "import sys; from pathlib import Path; from asr.language_model.arpa import read_arpa; read_arpa(Path(sys.argv[1]))"
)


def made_up(path: Path, words: int, sentences_seed: int) -> None:
    """Write sentences of SENTENCE_WORDS words each; which words follow which is the same for every seed."""
    chance = np.random.default_rng(0)

    def zipf(size: int, among: int) -> np.ndarray:
        steps = np.cumsum(1 / np.arange(1, among + 1))
        return np.searchsorted(steps, chance.random(size) * steps[-1])

    spelled = np.array([spelling(number) for number in range(VOCABULARY)], object)
    followers = zipf(VOCABULARY * FOLLOWERS, VOCABULARY).reshape(VOCABULARY, FOLLOWERS)
    chance = np.random.default_rng(sentences_seed)
    with open(path, "w", encoding="utf-8") as file:
        for left in range(words // SENTENCE_WORDS, 0, -BESIDE):
            sentences = [zipf(min(left, BESIDE), VOCABULARY)]
            while len(sentences) < SENTENCE_WORDS:
                own = followers[sentences[-1], zipf(len(sentences[0]), FOLLOWERS)]
                sentences.append(np.where(chance.random(len(own)) < FOLLOWED, own, zipf(len(own), VOCABULARY)))
            file.writelines(" ".join(spelled[sentence]) + "\n" for sentence in np.stack(sentences, axis=1))


def spelling(number: int) -> str:
    """A word of its own, the shorter the more frequent."""
    letters = "etaoinshrdlcumwfgypbvkjxqz"
    return letters[number % 26] + (spelling(number // 26 - 1) if number >= 26 else "")


def measured(*command: object) -> dict[str, float]:
    """Wall seconds and peak resident memory of a command."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, *map(str, command)], stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return {"seconds": round(time.perf_counter() - begun, 1), "peak_mib": round(usage.ru_maxrss / 1024)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=10_000_000)
    parser.add_argument("--order", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        text, held_out, arpa = (Path(temporary) / name for name in ("text.txt", "held-out.txt", "lm.arpa"))
        made_up(text, arguments.words, 1)
        made_up(held_out, 100_000, 2)
        options = ("--order", arguments.order, "--out", arpa, "--held-out", held_out)
        estimated = measured("-m", "asr.cli", "lm", text, *options)
        with open(arpa, encoding="utf-8") as file:
            counts = [int(next(line for line in file if "=" in line).partition("=")[2]) for _ in range(arguments.order)]
        size = round(arpa.stat().st_size / 2**20)
        print(
            json.dumps(
                {
                    "words": arguments.words,
                    "ngrams": counts,
                    "arpa_mib": size,
                    "estimate": estimated,
                    "read": measured("-c", READING, arpa),
                }
            )
        )


if __name__ == "__main__":
    main()
