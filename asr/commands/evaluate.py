"""`asr evaluate`, `python evaluate.py`: score a trained model on any data."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.commands.train import quiet_libraries
from asr.configuration.entry import run_entry_point

if TYPE_CHECKING:  # what takes seconds to import is imported when there is something to score
    from rich.console import Console

    from asr.corpus.corpus import Corpus
    from asr.runs.held_out import SplitChoice, TrainedRun
    from asr.runs.model_folder import TrainedModel
    from asr.task import SplitToMeasure


def evaluate(values: Mapping[str, Any]) -> dict[str, Any]:
    """Read the split, predict and score it; write metrics.json, errors.json, hypotheses.jsonl, report.html.

    values: conf/evaluate.yaml, composed.
    """
    import yaml

    from asr.report.clips import PAGE_BYTES
    from asr.report.run import write_report
    from asr.runs.folder import environment
    from asr.runs.held_out import SplitChoice, check_split, open_trained_run, read_split
    from asr.screen import console
    from asr.writing import write_json, write_json_lines, write_whole

    quiet_libraries()
    screen, data = console(), values["data"]
    wanted = SplitChoice(values["split"], data["source"], data["reader"], data["max_rejected"])
    run = open_trained_run(values["run"], wanted.source)
    trained, task = run.trained, run.trained.task
    if values["choices"]["decoder"] is not None:
        task.change_settings({"decoder": values["decoder"]})
    out = Path(values["out_dir"]) if values["out_dir"] else run.path / "evaluation" / wanted.name
    other = predictions_to_compare_with(values["against"], wanted.split, out)
    check_split(wanted.split)
    out.mkdir(parents=True, exist_ok=True)
    corpus = read_split(wanted, run, trained, out, screen)
    held = split_to_measure(values, corpus, trained, wanted, run, screen)
    report_unpredictable_utterances(held, trained, corpus, out)
    measured = task.measure(trained, held)
    metrics = {wanted.split: measured.metrics}
    write_json_lines(out / "hypotheses.jsonl", measured.lines)
    write_json(out / "errors.json", {wanted.split: measured.errors})
    write_json(out / "metrics.json", metrics)
    made = {"run": str(run.path.resolve()), "source": wanted.source, "split": wanted.split, "seed": values["seed"]}
    made |= {key: value for key, value in task.as_config().items() if key != "_target_"} | environment()
    write_whole(out / "evaluation.yaml", yaml.safe_dump(made, sort_keys=False, allow_unicode=True))
    report = write_report(out, task.presentation, task.clips(trained, held, measured, PAGE_BYTES))
    task.show(metrics, measured.errors)
    if other is not None:
        compare(values, other, held, measured.lines, run, wanted, corpus, out)
    screen.print(f"hypotheses {out / 'hypotheses.jsonl'}; report {report}", soft_wrap=True)
    return metrics


def predictions_to_compare_with(against: str | None, split: str, out: Path):
    """The predictions in the folder `against`; UserError where the results would go to that folder."""
    from asr.errors import UserError
    from asr.runs.against import find_predictions

    other = find_predictions(against, split) if against else None
    if other is not None and other.path.resolve() == out.resolve():
        raise UserError(f"against={against} is where the results would go; give out_dir= another folder")
    return other


def split_to_measure(
    values: Mapping[str, Any],
    corpus: "Corpus",
    model: "TrainedModel",
    wanted: "SplitChoice",
    run: "TrainedRun",
    screen: "Console",
) -> "SplitToMeasure":
    """The split of a corpus on which a model is to be measured."""
    from asr.corpus.batches import SpeechDataset
    from asr.task import SplitToMeasure

    dataset = SpeechDataset(corpus.audio, model.task.encode)
    cuts, seconds, workers = corpus.splits[wanted.split], values["batch_seconds"], values["workers"]
    return SplitToMeasure(wanted.split, cuts, dataset, seconds, workers, values["seed"], "cpu", screen, run.path)


def report_unpredictable_utterances(
    held: "SplitToMeasure", trained: "TrainedModel", corpus: "Corpus", out: Path
) -> None:
    """List utterances that are scored though the model cannot predict them, in rejected.jsonl and on the screen."""
    from asr.corpus.source import REJECTED, notes_of_rejected, write_rejected
    from asr.screen import print_notes

    remarks = trained.task.unpredictable_utterances(held.split, held.cuts)
    write_rejected(out / REJECTED, corpus.rejected + remarks)
    print_notes(held.screen, [*corpus.notes, *notes_of_rejected(remarks)])


def compare(
    values: Mapping[str, Any],
    other: Any,
    held: "SplitToMeasure",
    lines: list[dict[str, Any]],
    run: "TrainedRun",
    wanted: "SplitChoice",
    corpus: "Corpus",
    out: Path,
) -> None:
    """Test the predictions against another run's, or another evaluation's; write comparison.json and print it."""
    from asr.errors import UserError
    from asr.runs.against import predictions_by_id, predictions_of
    from asr.runs.held_out import read_split
    from asr.writing import write_json

    task = run.trained.task

    def predict_again(model: "TrainedModel") -> dict[str, str]:
        """Utterance id -> prediction, of the same split by another model, at its own sample rate."""
        heard = corpus
        if model.sample_rate != corpus.sample_rate:
            (out / "against").mkdir(exist_ok=True)  # what cannot be used at that rate is not the run's
            heard = read_split(wanted, run, model, out / "against", held.screen)
        its_own = split_to_measure(values, heard, model, wanted, run, held.screen)
        return predictions_by_id(model, its_own)

    others = predictions_of(other, lines, task.normalize, predict_again, held.screen)
    theirs = [{**line, "hypothesis": prediction} for line, prediction in zip(lines, others, strict=True)]
    tested = task.presentation.compare(lines, theirs, values["seed"])
    if tested is None:
        raise UserError(f"{len(lines)} utterances are too few to compare on; give a larger test set")
    comparison = {"split": wanted.split, "run": str(run.path), "against": str(other.path), **tested}
    write_json(out / "comparison.json", comparison)
    task.show_comparison(comparison)


def main(arguments: list[str] | None = None) -> None:
    run_entry_point("evaluate", evaluate, arguments)


if __name__ == "__main__":
    main()
