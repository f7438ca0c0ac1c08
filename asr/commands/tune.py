"""Search many: python tune.py search=NAME [trials=N] [budget.total_minutes=N] [any train.py override]."""

import json
import logging
import signal
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import torch
from hydra.utils import instantiate
from lhotse import CutSet
from omegaconf import DictConfig
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from asr.commands.train import Learnt, best_recognizer, chosen_part, close, learn, measure, read_corpus, write_manifests
from asr.commands.tune_arguments import own_and_train, with_shared_audio
from asr.configuration.compose import exit_status, help_text, load_configuration
from asr.configuration.compose import settings as as_dict
from asr.corpus.batches import SpeechDataset
from asr.corpus.folds import in_fold
from asr.errors import Interrupted, UserError
from asr.report.sweep.writing import REPORT, Report
from asr.runs.folder import RunFolder, open_run, read_config
from asr.screen import console
from asr.task import Rate
from asr.tasks.transcribe.scoring.significance import compare
from asr.tasks.transcribe.scoring.wer import characters_as_words, score
from asr.tasks.transcribe.timing.fitting import fit_timing
from asr.tuning.display import SweepDisplay
from asr.tuning.judge import Line
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
from asr.use.recognizer import load

PURPOSE = "Train many models, find the best configuration, and say how sure that is."
POLL_S = 1.0  # between looks at the study
WORKER = "--worker-until"  # the first word of a worker's command line; the next is the time.time() at which it ends
RATES = (Rate("wer", "WER"), Rate("cer", "CER"))


def tune(arguments: Sequence[str]) -> dict[str, Any]:
    """Search on as many processes as asked for; this one shows what they do. Returns what summary.json holds."""
    config, sweep = read_command(arguments)
    check_space(sweep)
    make_folder(sweep.folder)
    storage, study = open_sweep(config, sweep)
    command = ["-m", "asr.commands.tune", *arguments]
    if (sweep.folder / SUMMARY).is_file():
        console().print(
            f"{sweep.folder} is finished already; to search again, give another name= and run_dir=", soft_wrap=True
        )
        if not is_report_complete(sweep.folder):
            seconds = TimeSpent(sweep.folder).seconds_before
            Report(sweep, as_dict(config), command).write(
                study.get_trials(deepcopy=False), finals_of(sweep, storage), seconds
            )
        return print_results(sweep, study)
    default, start = as_dict(load_configuration("train", sweep.overrides)), as_dict(config.start)
    with study_lock(storage, study.study_name, FolderLocks(sweep.folder / "locks")):
        notes = enqueue_start(study, sweep, default, start)
    with reachable(where_of(config, sweep)):
        return supervise(config, sweep, study, storage, notes, command)


def work(until: float, arguments: Sequence[str]) -> None:
    """What one of those processes does; until: time.time() at which the sweep has to be over."""
    config, sweep = read_command(arguments)
    make_folder(sweep.folder)
    storage, study = open_sweep(config, sweep)
    end_with_parent()
    default = load_configuration("train", sweep.overrides)
    trainings, budget = Trainings(sweep.folder), TimeBudget(sweep, until)
    trainings.check(default, sweep.folds)
    worker = Worker(sweep, study, storage, as_dict(default), budget, trainings, ErrorRateJudge(), samplers_of(config))
    with reachable(where_of(config, sweep)):
        worker.work()


def read_command(arguments: Sequence[str]) -> tuple[DictConfig, Sweep]:
    config, passed_on = own_and_train(arguments)
    monitor = load_configuration("train", passed_on).trainer.monitor
    return config, sweep_of(as_dict(config), with_shared_audio(config, passed_on), RATES, monitor)


def open_sweep(config: DictConfig, sweep: Sweep) -> tuple[BaseStorage, optuna.Study]:
    storage = open_storage(where_of(config, sweep))
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


def where_of(config: DictConfig, sweep: Sweep) -> str:
    """Where the study is kept."""
    return config.storage or str(sweep.folder / "study.db")


def samplers_of(config: DictConfig) -> Callable[[int], optuna.samplers.BaseSampler] | None:
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
    report, threads = Report(sweep, as_dict(config), command), threads_of(config.workers, config.threads)
    of_worker = [*command[:2], WORKER, str(until), *command[2:]]
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
                    report.look(trials, finals, spent.seconds)
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
    trials, finals = study.get_trials(deepcopy=False), finals_of(sweep, storage)
    display.show(trials, finals)
    return trials, finals


def finals_of(sweep: Sweep, storage: BaseStorage) -> list[FrozenTrial]:
    try:
        finals = optuna.load_study(study_name=sweep.finals_name, storage=storage)
    except KeyError:  # not started yet
        return []
    return finals.get_trials(deepcopy=False)


def print_results(sweep: Sweep, study: optuna.Study) -> dict[str, Any]:
    print_best(study.get_trials(deepcopy=False), sweep)
    summary = json.loads((sweep.folder / SUMMARY).read_text("utf-8"))
    print_summary(summary, sweep)
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
        config = load_configuration("train", [*overrides, f"run_dir={folder}"])
        run, screen = open_run(config), console()
        learnt = learn(config, run, self.corpus_of(config, screen), screen, [reports], kept=False)
        assert learnt is not None, "one process trains"
        reports.check_not_pruned()
        metrics, _ = measure(config, run, learnt, best_recognizer(run), ("dev", "test") if test else ("dev",), screen)
        return metrics

    def check(self, config: DictConfig, folds: int | None) -> None:
        """Read the corpus; UserError where it cannot be used, once instead of for every trial."""
        corpus = self.corpus_of(config, console())
        if folds:
            in_fold(corpus, folds, 1)

    def corpus_of(self, config: DictConfig, screen):
        """One at a time reads, so that the others find its decoded audio."""
        differs = {"folds", "fold", "train_share", "batch_seconds", "batch_utterances", "workers"}
        data = {key: value for key, value in as_dict(config.data).items() if key not in differs}
        name = json.dumps([data, as_dict(config.text)], sort_keys=True)
        if name not in self.corpora:
            with FolderLocks(self.folder / "locks" / "reading").one_at_a_time():
                self.corpora = {name: read_corpus(config, screen, self.folder / "rejected.jsonl")}
        return self.corpora[name]

    def close(self, folder: Path) -> Mapping[str, Any]:
        """Score a trained run on dev and test, and make it whole: times, confidence, report."""
        run, screen = RunFolder(folder), console()
        config, figures = read_config(run.config), json.loads(run.metrics.read_text("utf-8"))["train"]
        corpus = chosen_part(config.data, self.corpus_of(config, screen), screen)
        write_manifests(run, corpus)
        recognizer = load(run.model)
        dataset = SpeechDataset(corpus.audio, recognizer.tokenizer)
        if isinstance(corpus.splits["train"], CutSet):
            recognizer.timing = fit_timing(corpus.splits["train"], dataset, (), corpus.sample_rate)
            recognizer.save(run.model)
        return close(config, run, Learnt(corpus, dataset, figures, torch.device("cpu")), screen)


class ErrorRateJudge:
    """Word or character error rates of transcriptions, resampled over speakers."""

    def interval(self, lines: Sequence[Line], rate: Rate) -> Sequence[float]:
        references, hypotheses = ([line[key] for line in lines] for key in ("reference", "hypothesis"))
        return getattr(score(references, hypotheses, speakers_of(lines)), f"{rate.name}_ci95")

    def tested(self, winner: Sequence[Line], rival: Sequence[Line], rate: Rate) -> dict[str, Any]:
        parts = (winner, "reference"), (winner, "hypothesis"), (rival, "hypothesis")
        texts = [[line[key] for line in lines] for lines, key in parts]
        if rate.name == "cer":
            texts = [list(map(characters_as_words, each)) for each in texts]
        references, ours, theirs = texts
        tested = compare(references, ours, theirs, speakers_of(winner)).as_dict()
        return {key: value for key, value in tested.items() if key not in ("words", "wer", "wer_against")}


def speakers_of(lines: Sequence[Line]) -> list[str]:
    """Whose each line is; where that is not known, an utterance is one speaker's with every seed."""
    return [line["speaker"] or line["id"] for line in lines]


def main() -> None:
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    if {"-h", "--help"} & set(sys.argv[1:]):
        with exit_status():
            print(help_text("tune", PURPOSE, sys.argv[1:]))
        print("\nevery key and group of train.py is taken too, and holds for every trial: python train.py --help")
    else:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, with what is there kept
        with exit_status(), quiet_optuna():
            if sys.argv[1:2] == [WORKER]:
                work(float(sys.argv[2]), sys.argv[3:])
            else:
                tune(sys.argv[1:])


if __name__ == "__main__":
    main()
