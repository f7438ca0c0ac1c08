"""Search many: python tune.py search=NAME [trials=N] [budget.total_minutes=N] [any train.py override]."""

import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optuna
from hydra.utils import instantiate
from omegaconf import DictConfig
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from asr.commands.train import quiet_libraries
from asr.commands.trainings import Trainings
from asr.commands.tune_arguments import own_and_train, with_shared_audio
from asr.configuration.compose import as_plain_values, load_values
from asr.configuration.entry import exit_status
from asr.configuration.search_path import config_dir_arguments, take_config_dir
from asr.errors import Interrupted, UserError
from asr.report.sweep.writing import REPORT, Report
from asr.screen import console
from asr.training.plan import rates_by_importance, task_of
from asr.tuning.display import SweepDisplay
from asr.tuning.locks import FolderLocks
from asr.tuning.processes import WorkerProcesses, end_with_parent, threads_of
from asr.tuning.storage import open_storage, quiet_optuna, reachable
from asr.tuning.study import check_space, enqueue_start, open_study
from asr.tuning.study_lock import study_lock
from asr.tuning.summary import SUMMARY
from asr.tuning.sweep import Sweep, sweep_of
from asr.tuning.table import print_best, print_summary, write_table
from asr.tuning.time_budget import TimeBudget, TimeSpent
from asr.tuning.worker import Worker

POLL_S = 1.0  # between looks at the study
WORKER_OPTION = (
    "--worker-until"  # the first word of a worker's command line; the next is the time.time() at which it ends
)


def tune(arguments: Sequence[str]) -> dict[str, Any]:
    """Search on as many processes as asked for; this one shows what they do. Returns what summary.json holds."""
    config, sweep = read_command(arguments)
    check_space(sweep)
    make_folder(sweep.folder)
    storage, study = open_sweep(config, sweep)
    command = ["-m", "asr.commands.tune", *config_dir_arguments(), *arguments]
    if (sweep.folder / SUMMARY).is_file():
        console().print(
            f"{sweep.folder} is finished already; to search again, give another name= and run_dir=", soft_wrap=True
        )
        if not is_report_complete(sweep.folder):
            seconds = TimeSpent(sweep.folder).seconds_before
            Report(sweep, as_plain_values(config), command).write(
                study.get_trials(deepcopy=False), trials_of_finals(sweep, storage), seconds
            )
        return print_results(sweep, study)
    default, start = load_values("train", sweep.overrides), as_plain_values(config.start)
    with study_lock(storage, study.study_name, FolderLocks(sweep.folder / "locks")):
        notes = enqueue_start(study, sweep, default, start)
    with reachable(storage_address(config, sweep)):
        return supervise(config, sweep, study, storage, notes, command)


def run_worker(until: float, arguments: Sequence[str]) -> None:
    """One of those processes; until: time.time() at which the sweep has to be over. The rest as for `tune`."""
    config, sweep = read_command(arguments)
    make_folder(sweep.folder)
    storage, study = open_sweep(config, sweep)
    end_with_parent()
    default = load_values("train", sweep.overrides)
    trainings, budget = Trainings(sweep.folder), TimeBudget(sweep, until)
    trainings.check(default, sweep.folds)
    judge = task_of(default).presentation
    worker = Worker(sweep, study, storage, default, budget, trainings, judge, new_samplers(config))
    with reachable(storage_address(config, sweep)):
        worker.work()


def read_command(arguments: Sequence[str]) -> tuple[DictConfig, Sweep]:
    config, passed_on = own_and_train(arguments)
    values = load_values("train", passed_on)
    task = task_of(values)
    monitor = rates_by_importance(task, values["trainer"]["monitor"])[0].name
    overrides = with_shared_audio(config, passed_on)
    return config, sweep_of(as_plain_values(config), overrides, task.rates, monitor)


def open_sweep(config: DictConfig, sweep: Sweep) -> tuple[BaseStorage, optuna.Study]:
    storage = open_storage(storage_address(config, sweep))
    return storage, open_study(storage, sweep, instantiate(config.sampler), instantiate(config.pruner))


def is_report_complete(folder: Path) -> bool:
    """Whether the report was written after the end: the process that writes it can be killed before."""
    report = folder / REPORT
    return report.is_file() and report.stat().st_mtime_ns > (folder / SUMMARY).stat().st_mtime_ns


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"run_dir={folder}: cannot be made ({error.strerror}); give another run_dir") from error


def storage_address(config: DictConfig, sweep: Sweep) -> str:
    """Where the study is kept."""
    return config.storage or str(sweep.folder / "study.db")


def new_samplers(config: DictConfig) -> Callable[[int], optuna.samplers.BaseSampler] | None:
    """A sampler for each trial number, with a seed of its own: which worker draws the trial makes no difference."""
    seed = config.sampler.seed
    return None if seed is None else lambda number: instantiate(config.sampler, seed=seed + 10007 * number)


def supervise(
    config: DictConfig,
    sweep: Sweep,
    study: optuna.Study,
    storage: BaseStorage,
    notes: Sequence[str],
    command: Sequence[str],
) -> dict[str, Any]:
    """Start the workers, show what they do, and print what came of it."""
    spent = TimeSpent(sweep.folder)
    until = spent.until(sweep.total_minutes)
    report, threads = Report(sweep, as_plain_values(config), command), threads_of(config.workers, config.threads)
    begin, typed = command[:2], command[2:]
    of_worker = [*begin, *config_dir_arguments(), WORKER_OPTION, str(until), *typed[len(config_dir_arguments()) :]]
    workers = WorkerProcesses(of_worker, sweep.folder, config.workers, threads)
    with SweepDisplay(console(), sweep, until) as display:
        for note in (*opening_lines(sweep, study), *notes):
            display.print_line(note)
        try:
            with workers:
                ended = 0
                while not workers.all_ended:
                    time.sleep(POLL_S)
                    for note in workers.restart_killed(ended):
                        display.print_line(note)
                    trials, finals = show_trials(sweep, study, storage, display)
                    before, ended = ended, sum(trial.state.is_finished() for trial in (*trials, *finals))
                    if ended != before:
                        write_table(trials, sweep)
                    report.write_if_due(trials, finals, spent.seconds)
                    spent.save()
        except KeyboardInterrupt as stopped:
            raise Interrupted(f"interrupted: the same command goes on; results so far {sweep.folder}") from stopped
        finally:
            trials, finals = show_trials(sweep, study, storage, display)
            write_table(trials, sweep)
            report.write(trials, finals, spent.seconds)
    early = [workers.explain_early_end(number) for number, status in workers.ended.items() if status]
    if early and not (sweep.folder / SUMMARY).is_file():
        raise UserError(early[0])
    for line in early:  # the other workers did the rest
        display.print_line(line)
    return print_results(sweep, study)


def opening_lines(sweep: Sweep, study: optuna.Study) -> list[str]:
    done = sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))
    waiting = sum(trial.state == TrialState.WAITING for trial in study.get_trials(deepcopy=False))
    total = sweep.trials or (done + waiting if not sweep.draws_new else None)
    return [
        f"search={sweep.name}: {f'{total} trials' if total else 'as many trials as fit'}, {done} of them done, "
        f"each {sweep.length or 'as configured'}; finals: {sweep.final_trainings} trainings"
        + (f"; {sweep.total_minutes:g} minutes in all" if sweep.total_minutes else ""),
        f"results in {sweep.folder}; watch: tensorboard --logdir {sweep.folder}",
    ]


def show_trials(
    sweep: Sweep, study: optuna.Study, storage: BaseStorage, display: SweepDisplay
) -> tuple[list[FrozenTrial], list[FrozenTrial]]:
    """Show the trials; returns them and the finals."""
    trials, finals = study.get_trials(deepcopy=False), trials_of_finals(sweep, storage)
    display.show(trials, finals)
    return trials, finals


def trials_of_finals(sweep: Sweep, storage: BaseStorage) -> list[FrozenTrial]:
    try:
        finals = optuna.load_study(study_name=sweep.finals_name, storage=storage)
    except KeyError:  # not begun
        return []
    return finals.get_trials(deepcopy=False)


def print_results(sweep: Sweep, study: optuna.Study) -> dict[str, Any]:
    print_best(study.get_trials(deepcopy=False), sweep)
    summary = json.loads((sweep.folder / SUMMARY).read_text("utf-8"))
    print_summary(summary, sweep)
    return summary


def main(arguments: list[str] | None = None) -> None:
    quiet_libraries()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, with what is there kept
    typed = take_config_dir(sys.argv[1:] if arguments is None else arguments)
    with exit_status(), quiet_optuna():
        if typed[:1] == [WORKER_OPTION]:
            run_worker(float(typed[1]), typed[2:])
        else:
            tune(typed)


if __name__ == "__main__":
    main()
