"""How often `asr identify` takes a stranger for a known voice, beside the rate it was calibrated for; prints JSON.

    python -m bench.strangers --model RUN_DIR/model --manifest RUN_DIR/data/test.jsonl.gz [--false-alarm 0.05]

Of the speakers that a training held out, half are drawn and enrolled, with five recordings each; the threshold is
learnt from these recordings alone. Then all recordings of the other half are strangers, and the rest of the enrolled
speakers' are known. That is repeated with other halves; the intervals of the first draw are over speakers.
"""

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path

import numpy as np

from asr.evaluation.bootstrap import resample_utterances, units_of
from asr.voices.calibration import calibrate_strangers
from asr.voices.cohort import Cosine
from asr.voices.embedding import open_voice_model
from asr.voices.folder import UNKNOWN, Recording, Voices
from asr.voices.held_out import speakers_of_manifest
from asr.voices.identify import identify

ENROLLED = 5  # recordings of a voice


def draw(
    embeddings: dict[str, np.ndarray], speakers: dict[str, str], false_alarm: float, seed: int
) -> dict[str, float]:
    """One half enrolled, the other unknown; embeddings and speakers by recording."""
    of_speaker = defaultdict(list)
    for path in sorted(speakers):
        of_speaker[speakers[path]].append(path)
    names, draws = sorted(of_speaker), random.Random(seed)
    known = set(draws.sample(names, len(names) // 2))
    for paths in of_speaker.values():
        draws.shuffle(paths)
    given = [(name, path) for name in sorted(known) for path in of_speaker[name][:ENROLLED]]
    voices = Voices(
        "", np.stack([embeddings[path] for _, path in given]), tuple(Recording(*each, "") for each in given)
    )
    learnt = calibrate_strangers(voices.embeddings, voices.owners, voices.names, false_alarm, Cosine.name)
    voices = Voices("", voices.embeddings, voices.recordings, {learnt.compared: learnt})
    asked = [path for name in names for path in (of_speaker[name][ENROLLED:] if name in known else of_speaker[name])]
    answers = identify(voices, asked, np.stack([embeddings[path] for path in asked]), 1)
    said = {answer.path: answer.voice for answer in answers}
    strangers = [path for path in asked if speakers[path] not in known]
    rest = [path for path in asked if speakers[path] in known]
    named = np.array([said[path] != UNKNOWN for path in strangers], float)
    units, _ = units_of([speakers[path] for path in strangers], len(strangers))
    interval = resample_utterances(named, np.ones(len(named)), units, seed).interval(len(named))
    return {
        "strangers": len(strangers),
        "strangers_named": float(named.mean()),
        "strangers_named_ci95": [round(end, 4) for end in interval],
        "known": len(rest),
        "known_right": float(np.mean([said[path] == speakers[path] for path in rest])),
        "known_called_unknown": float(np.mean([said[path] == UNKNOWN for path in rest])),
        "threshold": learnt.threshold,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--false-alarm", type=float, default=0.05)
    parser.add_argument("--draws", type=int, default=20)
    chosen = parser.parse_args()
    speakers, _ = speakers_of_manifest(chosen.manifest)
    paths, rows = open_voice_model(chosen.model).embed([Path(path) for path in sorted(speakers)])
    embeddings = {str(path): row for path, row in zip(paths, rows, strict=True)}
    found = [draw(embeddings, speakers, chosen.false_alarm, seed) for seed in range(1, chosen.draws + 1)]
    rates = [each["strangers_named"] for each in found]
    print(
        json.dumps(
            {
                "speakers": len(set(speakers.values())),
                "false_alarm": chosen.false_alarm,
                "draws": chosen.draws,
                "strangers_named": {"mean": float(np.mean(rates)), "least": min(rates), "most": max(rates)},
                "known_right": float(np.mean([each["known_right"] for each in found])),
                "known_called_unknown": float(np.mean([each["known_called_unknown"] for each in found])),
                "first_draw": found[0],
            }
        )
    )


if __name__ == "__main__":
    main()
