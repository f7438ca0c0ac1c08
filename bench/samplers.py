"""Sweeps with one sampler beside sweeps with another, of the same length, in pairs side by side; prints JSON.

    python -m bench.samplers [--seeds 1 2 3] [--minutes 20] [--samplers tpe random] [--out FOLDER] [overrides]

The sweeps of a pair run at the same time with half of the processors each, so that whatever else the machine does
meets both alike. Of every sweep: the winner's mean error rate on dev over fresh seeds, its rate on test, that of the
configuration as it stood (scored afterwards, for this table alone), trials done, and the share of time in training.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import mean

from asr.configuration.entry import exit_status
from asr.tuning.finals import UNCHANGED


def begin(
    sampler: str, seed: int, minutes: float, folder: Path, threads: int, overrides: list[str]
) -> subprocess.Popen:
    command = [sys.executable, "tune.py", f"sampler={sampler}", f"sampler.seed={seed}", f"run_dir={folder}"]
    command += [f"budget.total_minutes={minutes}", f"threads={threads}", *overrides]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def result_of(folder: Path, sampler: str, seed: int) -> dict:
    """What a sweep came to, and what the configuration that it began from does on test."""
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    winner, rate = summary["winner"], summary["rate"]
    stood = next((each for each in summary["finals"] if UNCHANGED in each["label"]), None)
    return {
        "sampler": sampler,
        "seed": seed,
        "trials": summary["trials"],
        "winner": winner["overrides"],
        "rate": rate,
        "winner_dev": winner["dev"],
        "winner_test": winner["metrics"]["test"][rate],
        "winner_test_ci95": winner["metrics"]["test"][f"{rate}_ci95"],
        "as_it_stood_dev": stood["dev"] if stood else None,
        "as_it_stood_test": mean(on_test(Path(each))[rate] for each in stood["folders"]) if stood else None,
        "trained_share": summary["trained_share"],
        "seconds": summary["seconds"],
    }


def on_test(run: Path) -> dict:
    """The run's metrics of test."""
    out = run / "evaluation" / "test"
    if not (out / "metrics.json").is_file():
        subprocess.run(
            [sys.executable, "evaluate.py", f"run={run}", f"out_dir={out}"], check=True, stdout=subprocess.DEVNULL
        )
    return json.loads((out / "metrics.json").read_text("utf-8"))["test"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3], help="of the samplers: a pair for each")
    parser.add_argument("--minutes", type=float, default=20.0, help="of each sweep")
    parser.add_argument("--samplers", nargs="+", default=["tpe", "random"])
    parser.add_argument("--out", type=Path, default=Path("runs/tuning/samplers"))
    chosen, overrides = parser.parse_known_args()
    threads = max(1, (os.cpu_count() or 1) // len(chosen.samplers))
    found = []
    for seed in chosen.seeds:
        folders = {sampler: chosen.out / f"{sampler}-{seed}" for sampler in chosen.samplers}
        running = [begin(name, seed, chosen.minutes, folder, threads, overrides) for name, folder in folders.items()]
        if any([process.wait() for process in running]):
            raise SystemExit(f"a sweep failed: see {chosen.out}/*/workers/*.log")
        found += [result_of(folder, sampler, seed) for sampler, folder in folders.items()]
        print(json.dumps(found[-len(folders) :]), file=sys.stderr)
    means = {
        sampler: {
            key: mean(each[key] for each in found if each["sampler"] == sampler)
            for key in ("winner_dev", "winner_test")
        }
        for sampler in chosen.samplers
    }
    print(json.dumps({"minutes": chosen.minutes, "threads": threads, "means": means, "studies": found}, indent=1))


if __name__ == "__main__":
    with exit_status():
        main()
