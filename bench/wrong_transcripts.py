"""How well a model trained on a spoiled corpus finds the wrong transcripts in it; prints JSON.

    python -m bench.wrong_transcripts [--share 0.03] [--seed 0] [--work FOLDER] data.source=PATH [train.py overrides]

A share of the training transcripts is swapped between speakers, a model is trained on what that gives, and
`asr doctor --run` ranks all training utterances. Average precision is over the swapped ones (Manning et al. 2008, 8.4).
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from hydra.utils import instantiate

from asr.configuration.compose import load_configuration
from asr.configuration.entry import exit_status
from asr.corpus.source import open_source

ROOT = Path(__file__).resolve().parent.parent


def swapped(lines: list[dict], share: float, seed: int) -> dict[str, str]:
    """{utterance: another speaker's text} for a share of them: each gets the text of the next one of a random ring."""
    chance = random.Random(seed)
    while True:
        ring = chance.sample(range(len(lines)), round(share * len(lines)))
        pairs = list(zip(ring, ring[1:] + ring[:1], strict=True))
        if all(lines[a]["speaker"] != lines[b]["speaker"] and lines[a]["text"] != lines[b]["text"] for a, b in pairs):
            return {lines[a]["id"]: lines[b]["text"] for a, b in pairs}


def average_precision(ranking: list[str], wrong: set[str]) -> float:
    """The mean of the precisions at each wrong one's place."""
    found, total = 0, 0.0
    for place, name in enumerate(ranking, start=1):
        if name in wrong:
            found += 1
            total += found / place
    return total / len(wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.03)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=None, help="kept; default: a folder that is removed")
    arguments, overrides = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary, exit_status():
        work = arguments.work or Path(temporary)
        config = load_configuration("train", overrides)
        wrong = spoil(config, work / "corpus", arguments.share, arguments.seed)
        others = [override for override in overrides if not override.startswith("data.source=")]
        others.append("data.reader._target_=asr.corpus.readers.nemo.read")
        source, run = work / "corpus", work / "run"
        command = ["train.py", *others, f"data.source={source}", f"run_dir={run}"]
        subprocess.run([sys.executable, *command], cwd=ROOT, check=True)
        heard = work / "doctor"
        doctor = [
            "doctor",
            "--run",
            run,
            "--out-dir",
            heard,
            source,
            "data.reader._target_=asr.corpus.readers.nemo.read",
        ]
        subprocess.run([sys.executable, "-m", "asr.cli", *map(str, doctor)], cwd=ROOT, check=True)
        lines = [json.loads(line) for line in (heard / "suspicious.jsonl").read_text().splitlines()]
        trained = {json.loads(line)["id"] for line in (source / "train.jsonl").read_text().splitlines()}
        ranking = [line["utterance"] for line in lines if line["utterance"] in trained]
        found = [json.loads(line) for line in (heard / "findings.jsonl").read_text().splitlines()]
        doubted = {each["utterance"] for each in found if each["kind"] == "transcript_suspect"} & trained
        result = {
            "utterances": len(ranking),
            "swapped": len(wrong),
            "average_precision": round(average_precision(ranking, set(wrong)), 4),
            "among_the_first": sum(name in wrong for name in ranking[: len(wrong)]),
            "transcript_suspect": {"found": len(doubted), "of_them_swapped": len(doubted & set(wrong))},
        }
        print(json.dumps(result))


def spoil(config, folder: Path, share: float, seed: int) -> dict[str, str]:
    """Write the corpus as NeMo manifests, some training transcripts exchanged; returns those."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[dict]] = {}
    for utterance in open_source(config.data.source, instantiate(config.data.reader), tuple, None):
        line = {"id": utterance.id, "audio_filepath": str(utterance.audio), "text": utterance.text}
        lines.setdefault(utterance.split or "train", []).append({**line, "speaker": utterance.speaker})
    wrong = swapped(lines["train"], share, seed)
    for split, part in lines.items():
        spoiled = [{**line, "text": wrong.get(line["id"], line["text"])} for line in part]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in spoiled))
    (folder / "swapped.json").write_text(json.dumps(wrong, indent=1))
    return wrong


if __name__ == "__main__":
    main()
