"""task=table: models of a table of answers, compared on splits by row, by clip and by actor; one of them is kept."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from rich.console import Console

from asr.configuration.overrides import did_you_mean
from asr.errors import UserError
from asr.evaluation.label_lines import score_lines
from asr.report.labels import UAR
from asr.report.run import write_report
from asr.runs.folder import RunFolder
from asr.screen import print_notes
from asr.tasks.table.comparison import PEOPLE, Contest, Fit, fits, lines_of
from asr.tasks.table.divisions import DIVISIONS
from asr.tasks.table.kinds import LEAKS
from asr.tasks.table.model import TableModel
from asr.tasks.table.presentation import OF_COMPARISON, TablePresentation, print_comparison
from asr.tasks.table.reading import Answers, Settings, read_answers
from asr.writing import write_json, write_json_lines

BEST = "best"  # the model that is kept: the one with the highest UAR on dev
WEIGHTS = ("balanced", "none")
OWN_PARTS = {"task", "data", "seed", "budget", "name", "run_dir", "choices"}  # of the configuration


class Table:
    """Classifiers of a table's rows (asr.task.TrainsByItself).

    models: constructors by name, each of asr.model.classical or network.py; keep: one of them, or `best`; split: what
    no two of the splits share on which that one is measured. critical, leave_out, take_in: reading.Settings.
    labels, model: what was learnt.
    """

    presentation = TablePresentation()
    rates = presentation.rates

    def __init__(
        self,
        models: Mapping[str, Mapping[str, Any]],
        keep: str = BEST,
        split: str = "actor",
        class_weights: str = "none",
        critical: str | None = None,
        leave_out: Sequence[str] = (),
        take_in: Sequence[str] = (),
        labels: Sequence[str] = (),
    ) -> None:
        self.models, self.keep, self.split, self.class_weights = models, keep, split, class_weights
        self.settings = Settings(critical, list(leave_out), list(take_in))
        self.labels, self.model = list(labels), None
        check_choice("task.split", split, list(DIVISIONS))
        check_choice("task.class_weights", class_weights, WEIGHTS)
        if PEOPLE in models:
            raise UserError(f"task.models.{PEOPLE}: the name of what people said; give the model another")
        if not models:
            raise UserError("task.models: there is none; leave one of them in")
        if keep != BEST:
            check_choice("task.keep", keep, [BEST, *models])

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise UserError for parts of the configuration that have no use here."""
        foreign = [key for key in values if key not in OWN_PARTS]
        if foreign:
            raise UserError(f"{foreign[0]}=: task=table learns from rows, not from recordings, and has no use for it")
        if values["budget"]["minutes"] is not None:
            raise UserError("budget.minutes: task=table counts epochs; give budget.epochs")
        if data := values["choices"].get("data"):
            raise UserError(f"data={data}: task=table reads tables itself; give data.source=PATH alone")

    def train(self, values: Mapping[str, Any], run: RunFolder, screen: Console) -> dict[str, Any]:
        """Read the table, fit every model on every division, keep one, and write the run; returns metrics.json."""
        data, seed, begun = values["data"], values["seed"], time.monotonic()
        answers = read_answers(Path(data["source"]), data["answers"], self.settings)
        write_json_lines(run.rejected, answers.dropped)
        print_notes(screen, self.notes(answers))
        balanced = self.class_weights == "balanced"
        contest = Contest(self.models, data["dev_fraction"], data["test_fraction"], balanced, seed)
        found = list(self.fits(answers, contest, screen))
        kept = self.choose(found)
        model = next(each.model for each in found if each.division == self.split and each.name == kept)
        assert model is not None
        model.save(run.model, self.as_config(kept, model.labels))
        metrics, lines, errors = self.results(answers, found, kept, seed)
        metrics["train"] = {
            "seconds": round(time.monotonic() - begun, 1),
            "model": kept,
            "rows": len(answers.ids),
            "dropped": len(answers.dropped),
            "table": answers.table.name,
            "learnt_from": [*answers.numbers, *answers.categories],
            "left_out": answers.unused,
        }
        write_json_lines(run.path / "hypotheses.jsonl", lines)
        write_json(run.path / "errors.json", errors)
        write_json(run.metrics, metrics)
        report = write_report(run.path, self.presentation)
        print_comparison(metrics[OF_COMPARISON], kept)
        screen.print(f"kept {kept}, split by {self.split}; model {run.model}; report {report}", soft_wrap=True)
        return metrics

    def notes(self, answers: Answers) -> Iterator[str]:
        """What was read, what is learnt from, what is left out and why, and what was dropped."""
        yield f"{answers.table}: {len(answers.ids)} rows of {len(set(answers.actors))} actors"
        yield f"learnt from {', '.join([*answers.numbers, *answers.categories])}"
        yield f"not learnt from: {', '.join(name or 'the name of the row' for name in answers.unused)}"
        for name in (*answers.numbers, *answers.categories):
            if name in LEAKS:
                yield f"task.take_in: {name} gives the displayed emotion away: {LEAKS[name]}"
        yield from answers.notes

    def fits(self, answers: Answers, contest: Contest, screen: Console) -> Iterator[Fit]:
        """All models on all divisions, with a word on each division that is done."""
        for division in DIVISIONS:
            of_division = list(fits(answers, division, contest, self.settings))
            rows, seconds = of_division[0].rows, sum(each.seconds for each in of_division)
            counts = ", ".join(f"{len(part)} {split}" for split, part in rows.items())
            screen.print(f"split by {division}: {counts} rows; fitted in {seconds:.1f} s", highlight=False)
            yield from of_division

    def choose(self, found: Sequence[Fit]) -> str:
        """The name of the model to keep."""
        if self.keep != BEST:
            return self.keep
        own = [each for each in found if each.division == self.split and each.model is not None]
        return min(own, key=lambda each: UAR.cost(each.dev["uar"])).name

    def results(
        self, answers: Answers, found: Sequence[Fit], kept: str, seed: int
    ) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
        """metrics.json, the lines of hypotheses.jsonl, and errors.json: the kept model's, then the comparison."""
        metrics: dict[str, Any] = {}
        lines: list[dict[str, Any]] = []
        errors: dict[str, Any] = {}
        for each in found:
            if each.name != kept or each.model is None:
                continue
            own = each.division == self.split
            for split in ("dev", "test") if own else ("test",):
                name = split if own else f"{split}, split by {each.division}"
                of_split = lines_of(answers, each.model, each.rows[split], split)
                metrics[name], mistakes = score_lines(of_split, seed)
                metrics[name]["split_by"] = each.division
                if own:
                    lines += of_split
                    errors[name] = mistakes
        compared: dict[str, dict[str, Any]] = {}
        for each in found:
            compared.setdefault(each.name, {})[each.division] = {**each.test, "seconds": each.seconds}
        return metrics | {OF_COMPARISON: compared}, lines, errors

    # the trained model

    def as_config(self, kept: str, labels: Sequence[str]) -> dict[str, Any]:
        """The plain values that build this task again with the model that is kept."""
        return {
            "_target_": f"{type(self).__module__}.{type(self).__name__}",
            "models": {kept: dict(self.models[kept])},
            "keep": kept,
            "split": self.split,
            "class_weights": self.class_weights,
            "critical": self.settings.critical,
            "leave_out": list(self.settings.leave_out),
            "take_in": list(self.settings.take_in),
            "labels": list(labels),
        }

    def load(self, folder: Path) -> TableModel:
        """The trained model of a model folder; UserError naming the file where it is damaged."""
        if not self.labels:
            raise UserError(f"{folder / 'config.yaml'}: no labels in it; copy the folder again")
        return TableModel.load(folder, instantiate(self.models[self.keep]), self.labels, self.settings)


def check_choice(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UserError(f"{key}={value}: {' or '.join(choices)} is wanted{did_you_mean(value, choices)}")
