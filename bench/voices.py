"""How long the closest of many voices take to find, and whether they are the closest; prints a line of JSON.

    OMP_NUM_THREADS=1 python -m bench.voices [--voices 100000] [--numbers 192] [--rounds 50]

Voices and queries are drawn at random, of length 1. The right answer is a sort of all cosines in 64 bits. `exact` is
what `asr identify` does by default; `faiss` stands beside it where it is installed. Threads: those of OMP_NUM_THREADS.
"""

import argparse
import json
import os
import time
from collections.abc import Callable

import numpy as np

from asr.errors import UserError
from asr.voices.index import SEARCHES

TOP = 5
MANY = 64  # queries at once


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    """The median."""
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return round(1000 * float(np.median(taken)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", type=int, default=100_000)
    parser.add_argument("--numbers", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=50)
    chosen = parser.parse_args()
    draw = np.random.default_rng(1)
    voices = unit(draw.normal(size=(chosen.voices, chosen.numbers)))
    queries = unit(draw.normal(size=(MANY, chosen.numbers)))
    right = np.argsort(-(queries.astype(np.float64) @ voices.T.astype(np.float64)), axis=1)[:, :TOP]
    found: dict[str, object] = {
        "voices": chosen.voices,
        "numbers": chosen.numbers,
        "threads": os.getenv("OMP_NUM_THREADS"),
    }
    for name, search in SEARCHES.items():
        try:
            _, indices = search(queries, voices, TOP)
        except UserError as error:
            found[name] = str(error)
            continue
        recall = np.mean([len(set(a) & set(b)) / TOP for a, b in zip(indices.tolist(), right.tolist(), strict=True)])
        found[name] = {
            "recall": float(recall),
            "one_query_ms": milliseconds(lambda search=search: search(queries[:1], voices, TOP), chosen.rounds),
            f"{MANY}_queries_ms": milliseconds(lambda search=search: search(queries, voices, TOP), 5),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
