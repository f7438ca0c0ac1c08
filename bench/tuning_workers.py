"""How many more trials an hour two workers do than one, each with one thread, in turns; prints JSON.

    python -m bench.tuning_workers data.source=FOLDER [--trials 8] [--rounds 2] [--out FOLDER] [any tune.py override]

The same trials each time: they differ in the learning rate alone, which is drawn by a seed. trials_an_hour is counted
from the beginning of the first trial to the end of the last; startup_s is what the command takes beside that;
outside_training is the share of the trials' time that is not spent in epochs; fastest_trial_s is the least disturbed
by whatever else the machine does.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import optuna

from asr.configuration.entry import exit_status
from asr.tuning.storage import open_storage, quiet_optuna

ALIKE = ("search=quick", "encoder=bilstm", "features=log_mel", "sampler=random", "pruner=none", "finals.count=0")


def timed_sweep(workers: int, trials: int, folder: Path, overrides: list[str]) -> dict[str, float]:
    command = [sys.executable, "tune.py", *ALIKE, f"workers={workers}", "threads=1", f"trials={trials}"]
    began = time.time()
    done = subprocess.run([*command, f"run_dir={folder}", *overrides], stdout=subprocess.DEVNULL, stderr=sys.stderr)
    if done.returncode:
        raise SystemExit(done.returncode)
    seconds = time.time() - began
    found = optuna.load_study(study_name="quick", storage=open_storage(str(folder / "study.db"))).trials
    ends = max(trial.datetime_complete for trial in found) - min(trial.datetime_start for trial in found)
    lasted = sum(trial.duration.total_seconds() for trial in found)
    return {
        "workers": workers,
        "trials": len(found),
        "trials_an_hour": 3600 * len(found) / ends.total_seconds(),
        "trial_s": lasted / len(found),
        "fastest_trial_s": min(trial.duration.total_seconds() for trial in found),
        "outside_training": 1 - sum(trial.user_attrs["trained_s"] for trial in found) / lasted,
        "startup_s": seconds - ends.total_seconds(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=None)
    arguments, overrides = parser.parse_known_args()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="tuning-workers-"))
    runs = []
    for number in range(arguments.rounds):
        for workers in (1, 2):
            folder = out / f"{number}-{workers}"
            runs.append(timed_sweep(workers, arguments.trials, folder, overrides))
            shutil.rmtree(folder)
    pace = {workers: median(run["trials_an_hour"] for run in runs if run["workers"] == workers) for workers in (1, 2)}
    print(json.dumps({"runs": runs, "trials_an_hour": pace, "two_beside_one": pace[2] / pace[1]}, indent=1))


if __name__ == "__main__":
    with exit_status(), quiet_optuna():
        main()
