"""Search many: python tune.py search=NAME [trials=N] [budget.total_minutes=N] [any train.py override]."""

import json
import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import optuna
import torch
from hydra.utils import instantiate
from lhotse import CutSet
from omegaconf import DictConfig
from optuna.trial import TrialState

from asr.commands.train import corpus_to_train_on, score_and_report
from asr.configuration.compose import all_keys, compose_quietly, load_configuration
from asr.configuration.compose import as_plain_values as as_dict
from asr.configuration.entry import exit_status
from asr.configuration.search_path import config_dir_arguments, take_config_dir
from asr.corpus.batches import SpeechDataset
from asr.corpus.folds import in_fold
from asr.errors import Interrupted, UserError
from asr.report.sweep.writing import REPORT, Report
from asr.runs.folder import RunFolder, open_run, read_config
from asr.runs.model_folder import load_model
from asr.screen import console
from asr.task import Task
from asr.training.pipeline import Fitted, fit_model, fold_and_subset, write_manifests
from asr.training.plan import plan_of, task_of
from asr.training.scoring import best_model, score
from asr.tuning.claims import Claims
from asr.tuning.closing import SUMMARY
from asr.tuning.live import Screen
from asr.tuning.storage import open_storage, quiet_optuna, reachable
from asr.tuning.study import Grid, check_space, enqueue_start, open_study
from asr.tuning.sweep import Sweep, TimeSpent, sweep_of
from asr.tuning.table import print_best, print_summary, write_table
from asr.tuning.turns import Turns
from asr.tuning.work import work
from asr.tuning.workers import NUMBER, UNTIL, Workers, end_with_parent, threads_of

LOOK_S = 1.0  # between looks at the study
TRAINS_TOO = ("budget",)  # groups of keys that tune.py and train.py share; only what conf/tune.yaml names is tune.py's


def tune(arguments: Sequence[str]) -> dict[str, Any] | None:
    """Search on as many processes as asked for; this one shows what they do. Returns what summary.json holds."""
    config, passed_on = own_and_train(arguments)
    sweep = sweep_of(as_dict(config), with_shared_audio(config, passed_on))
    worker = int(os.environ.get(NUMBER, 0))
    default = load_configuration("train", sweep.overrides)
    if not worker:
        check_space(sweep)
    make_folder(sweep.folder)
    storage = open_storage(where_of(config, sweep))
    study = open_study(storage, sweep, instantiate(config.sampler), instantiate(config.pruner))
    if worker:
        end_with_parent()
        trainings = Trainings(sweep.folder)
        trainings.check(default, sweep.folds)
        with reachable(where_of(config, sweep)):
            work(sweep, study, storage, default, float(os.environ[UNTIL]), trainings, samplers_of(config))
        return None
    command = ["-m", "asr.commands.tune", *config_dir_arguments(), *arguments]
    if (sweep.folder / SUMMARY).is_file():
        console().print(f"{sweep.folder} is finished already; another name= and run_dir= search anew", soft_wrap=True)
        if not is_told(sweep.folder):
            report = Report(sweep, as_dict(config), command)
            report.write(study.get_trials(deepcopy=False), finals_of(sweep, storage), TimeSpent(sweep.folder).before)
        return closing_words(sweep, study)
    with Turns(storage, study.study_name, Claims(sweep.folder / "locks")).turn():
        notes = enqueue_start(study, sweep, default, config.start)
    with reachable(where_of(config, sweep)):
        return supervise(config, sweep, study, storage, notes, command)


def is_told(folder: Path) -> bool:
    """Whether the report was written after the end: whoever shows a sweep can be killed before it comes to that."""
    report = folder / REPORT
    return report.is_file() and report.stat().st_mtime_ns > (folder / SUMMARY).stat().st_mtime_ns


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"run_dir={folder}: cannot be made ({error.strerror}); give another run_dir") from error


def where_of(config: DictConfig, sweep: Sweep) -> str:
    """Where the study is kept."""
    return config.storage or str(sweep.folder / "study.db")


def samplers_of(config: DictConfig) -> Callable[[int], optuna.samplers.BaseSampler] | None:
    """A sampler for every trial, with a seed of its own: which worker draws it, and after what, makes no difference."""
    seed = config.sampler.seed
    return None if seed is None else lambda number: instantiate(config.sampler, seed=seed + 10007 * number)


def own_and_train(arguments: Sequence[str]) -> tuple[DictConfig, list[str]]:
    """This command's configuration, and the overrides that are train.py's; a mistyped key is told now."""
    keys = all_keys(compose_quietly("tune", []))
    parts = {key.partition(".")[0] for key in keys} - set(TRAINS_TOO)

    def is_own(argument: str) -> bool:
        key = argument.partition("=")[0].lstrip("+~")
        return key in keys or key.partition(".")[0] in parts

    own = [argument for argument in arguments if is_own(argument)]
    passed_on = [argument for argument in arguments if not is_own(argument)]
    for argument in passed_on:
        meant = get_close_matches(argument.partition("=")[0], keys, n=1, cutoff=0.75)
        known = set(all_keys(compose_quietly("train", []))) if meant else set()
        if meant and argument.partition("=")[0] not in known:
            raise UserError(f"{argument}: no such key; did you mean {meant[0]}?")
    load_configuration("train", passed_on)
    config = load_configuration("tune", own)
    if config.name is None:
        searches = [argument.partition("=")[2] for argument in own if argument.startswith("search=")]
        config.name = "-".join(listed(searches[-1])) if searches else config.choices.search
    return config, passed_on


def with_shared_audio(config: DictConfig, overrides: list[str]) -> list[str]:
    """Several workers map one copy of the decoded audio, where the command does not say otherwise."""
    if config.workers < 2 or any(each.startswith(("data.cache_", "data.workers=")) for each in overrides):
        return overrides
    folder = Path(config.run_dir or f"runs/tuning/{config.name}").absolute() / "audio"
    return [*overrides, f"data.cache_dir={folder}", "data.cache_gib=0", "data.workers=0"]


def supervise(
    config: DictConfig, sweep: Sweep, study: optuna.Study, storage, notes: Sequence[str], command: Sequence[str]
) -> dict[str, Any]:
    """Begin the workers, show what they do, and say what came of it."""
    spent = TimeSpent(sweep.folder)
    until = spent.until(sweep.total_minutes)
    screen, report = console(), Report(sweep, as_dict(config), command)
    workers = Workers(command, sweep.folder, config.workers, threads_of(config.workers, config.threads), until)
    with Screen(screen, sweep, until) as shown:
        for note in (*opening(sweep, study), *notes):
            shown.say(note)
        try:
            with workers:
                ended = 0
                while not workers.over:
                    time.sleep(LOOK_S)
                    for note in workers.watch(ended):
                        shown.say(note)
                    trials, finals = look(sweep, study, storage, shown)
                    before, ended = ended, sum(trial.state.is_finished() for trial in (*trials, *finals))
                    if ended != before:
                        write_table(trials, sweep.folder, sweep.rate)
                    report.look(trials, finals, spent.seconds)
                    spent.save()
        except KeyboardInterrupt as stopped:
            raise Interrupted(f"interrupted: the same command goes on; results so far {sweep.folder}") from stopped
        finally:
            trials, finals = look(sweep, study, storage, shown)
            write_table(trials, sweep.folder, sweep.rate)
            report.write(trials, finals, spent.seconds)
    early = [workers.why_early(number) for number, status in workers.ended.items() if status]
    if early and not (sweep.folder / SUMMARY).is_file():
        raise UserError(early[0])
    for line in early:  # the others did it all
        shown.say(line)
    return closing_words(sweep, study)


def opening(sweep: Sweep, study: optuna.Study) -> list[str]:
    done = sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))
    waiting = sum(trial.state == TrialState.WAITING for trial in study.get_trials(deepcopy=False))
    total = sweep.trials or (done + waiting if isinstance(study.sampler, Grid) else None)
    return [
        f"search={sweep.name}: {f'{total} trials' if total else 'as many trials as fit'}, {done} of them done, "
        f"each {sweep.length or 'as configured'}; finals: {sweep.final_trainings} trainings"
        + (f"; {sweep.total_minutes:g} minutes in all" if sweep.total_minutes else ""),
        f"results in {sweep.folder}; watch: tensorboard --logdir {sweep.folder}",
    ]


def look(sweep: Sweep, study: optuna.Study, storage, shown: Screen) -> tuple[list, list]:
    """Show the trials; returns them and the finals."""
    trials, finals = study.get_trials(deepcopy=False), finals_of(sweep, storage)
    shown.show(trials, finals)
    return trials, finals


def finals_of(sweep: Sweep, storage) -> list:
    try:
        finals = storage.get_study_id_from_name(sweep.finals_name)
    except KeyError:
        return []
    return storage.get_all_trials(finals, deepcopy=False)


def closing_words(sweep: Sweep, study: optuna.Study) -> dict[str, Any]:
    print_best(study.get_trials(deepcopy=False), sweep.rate)
    summary = json.loads((sweep.folder / SUMMARY).read_text("utf-8"))
    print_summary(summary, sweep.folder)
    return summary


class Trainings:
    """Trains in this process; the corpus is read once and kept for the next training on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.corpora: dict[str, Any] = {}

    def __call__(self, overrides: Sequence[str], folder: Path, reports, test: bool) -> Mapping[str, Any]:
        run = RunFolder(folder)
        if run.metrics.is_file():  # killed between the end of the training and the study's hearing of it
            return json.loads(run.metrics.read_text("utf-8"))
        values = as_dict(load_configuration("train", [*overrides, f"run_dir={folder}"]))
        run, screen, plan = open_run(values), console(), plan_of(values)
        fitted = fit_model(plan, run, self.corpus_of(values, plan.task, screen), screen, [reports], False)
        assert fitted is not None, "one process trains"
        reports.check_not_pruned()
        splits, batch_seconds = ("dev", "test") if test else ("dev",), 2 * plan.batching.batch_seconds
        metrics, _ = score(run, best_model(run), fitted, splits, batch_seconds, plan.seed, screen)
        return metrics

    def check(self, config: DictConfig, folds: int | None) -> None:
        """Read the corpus; UserError where it cannot be used, told once instead of for every trial."""
        values = as_dict(config)
        task = task_of(values)
        corpus = self.corpus_of(values, task, console())
        if folds:
            in_fold(corpus, folds, 1, task.by_speaker)

    def corpus_of(self, values: Mapping[str, Any], task: Task, screen):
        """One at a time reads, so that the others find its decoded audio."""
        differs = {"folds", "fold", "train_share", "batch_seconds", "batch_utterances", "workers"}
        data = {key: value for key, value in values["data"].items() if key not in differs}
        name = json.dumps([data, values["choices"]["task"], values.get("text")], sort_keys=True)
        if name not in self.corpora:
            with Claims(self.folder / "locks" / "reading").turn():
                rejected = self.folder / "rejected.jsonl"
                self.corpora = {name: corpus_to_train_on(values["data"], task, screen, rejected)}
        return self.corpora[name]

    def close(self, folder: Path) -> Mapping[str, Any]:
        """Score a trained run on dev and test, and make it whole: times, confidence, report."""
        run, screen = RunFolder(folder), console()
        values, figures = read_config(run.config), json.loads(run.metrics.read_text("utf-8"))["train"]
        plan = plan_of(values)
        corpus = self.corpus_of(values, plan.task, screen)
        corpus = fold_and_subset(corpus, plan.part, plan.task.by_speaker, screen)
        write_manifests(run, corpus)
        trained = load_model(run.model)
        dataset = SpeechDataset(corpus.audio, trained.task.encode)
        if isinstance(corpus.splits["train"], CutSet):
            trained.task.study(corpus.splits["train"], dataset, (), corpus.sample_rate)
            trained.save(run.model)
        return score_and_report(plan, run, Fitted(corpus, dataset, figures, torch.device("cpu")), screen)


def main(arguments: list[str] | None = None) -> None:
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, with what is there kept
    with exit_status(), quiet_optuna():
        tune(take_config_dir(sys.argv[1:] if arguments is None else arguments))


if __name__ == "__main__":
    main()
