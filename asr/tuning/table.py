"""The trials of a study side by side, as Markdown and CSV."""

import csv
import json
from pathlib import Path

import optuna

COLUMNS = ("test WER %", "95 % interval", "test CER %", "dev WER %", "parameters", "seconds", "epochs", "audio s/s")


def write_table(study: optuna.Study, folder: Path) -> None:
    """results.md and results.csv: a line a finished trial, best dev WER first."""
    finished = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    finished = list({tuple(trial.params.items()): trial for trial in finished}.values())  # a grid may come round again
    finished.sort(key=lambda trial: trial.values)
    keys = list(dict.fromkeys(key for trial in finished for key in trial.params))
    rows = [[str(trial.params.get(key, "")) for key in keys] + cells(trial) for trial in finished]
    lines = [keys + list(COLUMNS), ["---"] * (len(keys) + len(COLUMNS)), *rows]
    markdown = "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
    (folder / "results.md").write_text(markdown, "utf-8")
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([keys + list(COLUMNS), *rows])


def cells(trial: optuna.trial.FrozenTrial) -> list[str]:
    metrics = json.loads(trial.user_attrs["metrics"])
    test, dev, fit = metrics["test"], metrics["dev"], metrics["train"]
    low, high = test["wer_ci95"]
    return [
        f"{100 * test['wer']:.2f}",
        f"{100 * low:.2f} – {100 * high:.2f}",
        f"{100 * test['cer']:.2f}",
        f"{100 * dev['wer']:.2f}",
        f"{fit['parameters']:,}",
        f"{fit['seconds']:.0f}",
        str(fit["epochs"]),
        f"{fit['audio_seconds_per_second']:.0f}",
    ]
