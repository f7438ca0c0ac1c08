"""`asr train`, `python train.py`: fit one model."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.configuration.entry import run_entry_point

if TYPE_CHECKING:  # what takes seconds to import is imported when there is something to train
    from rich.console import Console

    from asr.corpus.corpus import Corpus
    from asr.runs.folder import RunFolder
    from asr.task import Task
    from asr.training.pipeline import Fitted
    from asr.training.plan import Plan

REPORT_BYTES = 5_500_000  # about 300 utterances to hear; evaluate.py makes a page with three times as many


def train(values: Mapping[str, Any]) -> dict[str, Any]:
    """Corpus, model, fit, evaluation, report; returns what metrics.json holds. values: conf/train.yaml, composed."""
    from asr.runs.folder import open_run, with_dotted_keys
    from asr.screen import console
    from asr.task import TrainsByItself
    from asr.training.distributed import is_further_process, tell_further_processes
    from asr.training.pipeline import fit_model
    from asr.training.plan import chosen_task, plan_of
    from asr.training.records import Hyperparameters

    quiet_libraries()
    screen, task = console(), chosen_task(values)
    if isinstance(task, TrainsByItself):
        task.check(values)
        run = open_run(values)
        return metrics_if_finished(run, screen) or task.train(values, run, screen)
    plan = plan_of(values)
    run = open_run(values)
    if not is_further_process() and (metrics := metrics_if_finished(run, screen)):
        return metrics
    if plan.trainer.devices != 1:
        tell_further_processes(run.path)
    corpus = corpus_to_train_on(values["data"], plan.task, screen, run.rejected)
    fitted = fit_model(plan, run, corpus, screen, [Hyperparameters(with_dotted_keys(dict(values)))])
    if fitted is None:
        return {}  # the first of several processes scores and reports
    return score_and_report(plan, run, fitted, screen)


def metrics_if_finished(run: "RunFolder", screen: "Console") -> dict[str, Any] | None:
    """What metrics.json holds of a run that was trained already, which is said; None where it was not."""
    if not run.finished:
        return None
    screen.print(f"{run.path} is finished already; give another name= or run_dir= to train again", soft_wrap=True)
    return json.loads(run.metrics.read_text("utf-8"))


def quiet_libraries() -> None:
    """Keep Lightning's advertisements and the warnings of libraries about one another off the screen."""
    import logging
    import warnings

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")


def corpus_to_train_on(data: Mapping[str, Any], task: "Task", screen: "Console", rejected_file: Path) -> "Corpus":
    """What the `data` group names, read for a task, with what strikes the eye about its transcripts."""
    from lhotse import CutSet

    from asr.corpus.reading import DataSettings, read_corpus
    from asr.doctor.start_notes import notes_on_transcripts
    from asr.screen import print_notes

    corpus = read_corpus(DataSettings.of(data), task.target_of, task.by_speaker, screen, rejected_file)
    if task.targets_are_transcripts and isinstance(corpus.splits["train"], CutSet):
        print_notes(screen, notes_on_transcripts(corpus))
    return corpus


def score_and_report(plan: "Plan", run: "RunFolder", fitted: "Fitted", screen: "Console") -> dict[str, Any]:
    """Score the best weights on dev and test, write metrics.json, hypotheses.jsonl and report.html, and say it."""
    from asr.report.run import write_report
    from asr.screen import clock
    from asr.training.scoring import best_model, score, split_to_measure

    trained, batch_seconds = best_model(run), 2 * plan.batching.batch_seconds
    metrics, measured = score(run, trained, fitted, ("dev", "test"), batch_seconds, plan.seed, screen, calibrate=True)
    held = split_to_measure(run, fitted, "test", batch_seconds, plan.seed, screen)
    task = trained.task
    clips = task.clips(trained, held, measured["test"], REPORT_BYTES)
    report = write_report(run.path, task.presentation, clips)
    task.show(metrics)
    figures = fitted.figures
    waiting = f"{figures['data_wait_share']:.1%} of the steps' time waiting for data"
    screen.print(f"trained {clock(figures['seconds'])}, {waiting}; model {run.model}; report {report}", soft_wrap=True)
    return metrics


def main(arguments: list[str] | None = None) -> None:
    run_entry_point("train", train, arguments)


if __name__ == "__main__":
    main()
