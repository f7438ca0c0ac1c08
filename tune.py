"""Search many: python tune.py search=grid [trials=N] [run_dir=PATH] [any train.py override]."""

import json
import logging
import sys
import time
import warnings
from difflib import get_close_matches
from pathlib import Path

import optuna
from hydra.utils import instantiate

from asr.configuration import CONF, exit_status, group_choices, help_text, load_configuration
from asr.errors import UserError
from asr.training.progress import clock, console
from asr.tuning.table import write_table
from train import train

PURPOSE = "Train many models and put their results side by side."
OWN = ("search", "trials", "run_dir")  # keys of this command; all others are train.py's


def tune(arguments: list[str]) -> None:
    """One training a trial, each a run of its own below run_dir; results.md and results.csv grow as they end."""
    own = [argument for argument in arguments if argument.split("=")[0].split(".")[0] in OWN]
    passed_on = [argument for argument in arguments if argument not in own]
    for argument in passed_on:
        meant = get_close_matches(argument.partition("=")[0], OWN, n=1, cutoff=0.75)
        if meant:
            raise UserError(f"{argument}: no such key; did you mean {meant[0]}?")
    config = load_configuration("tune", own)
    load_configuration("train", passed_on)  # a mistyped key is told now, not in the first trial
    search = instantiate(config.search)
    folder = Path(config.run_dir or f"runs/tuning/{config.choices.search}")
    folder.mkdir(parents=True, exist_ok=True)
    screen = console()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        study_name=str(config.choices.search),
        storage=f"sqlite:///{folder / 'study.db'}",
        load_if_exists=True,
        sampler=search.sampler(seed=1),
    )
    done = sum(trial.state == optuna.trial.TrialState.COMPLETE for trial in study.trials)
    total = min(search.size, config.trials or search.size)
    screen.print(f"{total} trainings, {done} of them done; results in {folder / 'results.md'}")
    begun = time.monotonic()

    def objective(trial: optuna.Trial) -> float:
        chosen = search.overrides(trial)
        screen.rule(f"{trial.number + 1} of {total}: {' '.join(chosen)}")
        name = ",".join(value.split("=")[1] for value in chosen)
        trained = load_configuration("train", [*passed_on, *chosen, f"run_dir={folder / name}"])
        metrics = train(trained)
        trial.set_user_attr("metrics", json.dumps(metrics))
        return metrics["dev"]["wer"]

    def report(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        write_table(study, folder)
        ended = sum(each.state == optuna.trial.TrialState.COMPLETE for each in study.trials)
        pace = (time.monotonic() - begun) / max(1, ended - done)
        screen.print(f"{ended} of {total} done, about {clock(pace * (total - ended))} left")

    if total > done:
        study.optimize(objective, n_trials=total - done, callbacks=[report])
    write_table(study, folder)
    print((folder / "results.md").read_text("utf-8"))


if __name__ == "__main__":
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(help_text("tune", PURPOSE))
        print(f"\nsearches: {' | '.join(group_choices(CONF / 'search'))}; every key and group of train.py is taken too")
    else:
        with exit_status():
            tune(sys.argv[1:])
