"""A sweep by a rate of which more is better: its study, what is pruned, who wins, and the order of what is shown."""

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import optuna
import pytest
import torch
from optuna.trial import TrialState, create_trial
from rich.console import Console

from asr.errors import UserError
from asr.task import Rate
from asr.training.budget import Budget
from asr.tuning.display import SweepDisplay
from asr.tuning.finals import open_finals, ranking
from asr.tuning.pruning import StudyReporter
from asr.tuning.side_by_side import best_first
from asr.tuning.study import open_study
from asr.tuning.summary import summary_of
from asr.tuning.sweep import Sweep, choose_objectives
from asr.tuning.table import print_summary, write_table
from asr.tuning.trials import metrics_to_keep
from tests.tuning.studies import sweep_in

UAR, LOSS = Rate("uar", "UAR", higher_is_better=True), Rate("cross_entropy", "cross entropy")
SPACE = {"optimizer.lr": {"low": 1e-4, "high": 1e-2, "log": True}}
BETWEEN = {"optimizer.lr": optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True)}
FOUND = (0.5, 0.9, 0.7)  # UAR on dev, trial by trial


class MeanJudge:
    """Stands in for a task's: the mean of a number that every line holds."""

    def interval(self, lines, rate: Rate) -> list[float]:
        return [min(line["right"] for line in lines), max(line["right"] for line in lines)]

    def compare(self, winner, rival, seed: int, rate: Rate) -> dict:
        difference = sum(a["right"] - b["right"] for a, b in zip(winner, rival, strict=True)) / len(winner)
        return {"difference": difference, "difference_ci95": [0.0, 0.5], "bootstrap_p": 0.03, "sign": {"p": 0.2}}


@pytest.fixture
def sweep(tmp_path) -> Sweep:
    return replace(sweep_in(tmp_path, space=SPACE), objectives=["uar"], rate=UAR, rates=[UAR, LOSS])


def study_of(sweep: Sweep) -> optuna.Study:
    study = open_study(optuna.storages.InMemoryStorage(), sweep, optuna.samplers.RandomSampler(seed=1), Median())
    for number, uar in enumerate(FOUND):
        folder = sweep.folder / "trials" / f"{number:04d}"
        folder.mkdir(parents=True)
        line = {"id": "one", "split": "dev", "right": uar}
        (folder / "hypotheses.jsonl").write_text(json.dumps(line) + "\n" + json.dumps(line | {"split": "test"}) + "\n")
        metrics = {"dev": {"uar": uar, "cross_entropy": 1 - uar}, "train": {"parameters": 10}}
        about = {"folder": str(folder), "overrides": [f"optimizer.lr={0.001 * (number + 1)}"], "metrics": metrics}
        study.add_trial(
            create_trial(
                params={"optimizer.lr": 0.001 * (number + 1)}, distributions=BETWEEN, value=uar, user_attrs=about,
                intermediate_values={rung: uar for rung in range(1, 21)},
            )
        )  # fmt: skip
    return study


def Median() -> optuna.pruners.MedianPruner:  # noqa: N802 - as Optuna names it
    return optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0)


def test_the_study_is_maximised(sweep):
    assert study_of(sweep).direction == optuna.study.StudyDirection.MAXIMIZE
    mixed = replace(sweep, objectives=["parameters", "uar"])
    assert [each.name for each in mixed.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert mixed.costs([100, 0.5]) == [100, -0.5]


@pytest.mark.parametrize(("uars", "best", "pruned"), [((0.2, 0.3, 0.1), 0.3, True), ((0.8, 0.95, 0.2), 0.95, False)])
def test_the_study_is_told_the_greatest_so_far_and_prunes_what_stays_below(sweep, uars, best, pruned):
    study = study_of(sweep)
    reporter = StudyReporter(study.ask(), UAR, math.inf, at_rungs=True)
    budget = Budget(lambda step, spent: 1.0, None, 1, 1.0, 8000)
    trainer = SimpleNamespace(sanity_checking=False, callbacks=[budget], should_stop=False)
    for share, uar in zip((0.01, 0.02, 0.3), uars, strict=True):
        budget.audio_seconds = share
        trainer.callback_metrics = {"uar/dev": torch.tensor(uar)}
        reporter.on_validation_end(trainer, None)
    assert study.trials[3].intermediate_values == pytest.approx(dict.fromkeys(range(1, 7), best))
    assert trainer.should_stop is pruned
    assert reporter.pruned == (f"dev UAR {best:.1%} after 30% of its budget" if pruned else None)


def test_the_best_come_first_everywhere(sweep):
    study = study_of(sweep)
    assert [trial.number for trial in best_first(sweep, study)] == [1, 2, 0]
    assert [each.candidate.label for each in ranking(sweep, study, None)] == ["trial 1", "trial 2", "trial 0"]
    write_table(study.trials, sweep)
    head, *rows = (sweep.folder / "results.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["1", "2", "0"]
    assert head.startswith("trial,optimizer.lr,dev UAR %,dev cross entropy %,test UAR %,")
    assert rows[0].split(",")[2:4] == ["90.00", "10.00"]
    screen = Console(record=True, width=100, force_terminal=True, file=io.StringIO())
    display = SweepDisplay(screen, sweep, math.inf)
    assert display.headline(study.trials, []).startswith("best 0.9;")
    screen.print(display.table("", study.trials, 3))
    assert "* 1" in screen.export_text() and "dev UAR" in display.table("", study.trials, 3).columns[2].header


def test_the_greatest_mean_wins_the_finals(sweep):
    study = study_of(sweep)
    finals = open_finals(optuna.storages.InMemoryStorage(), sweep, study, {"seed": 1, "choices": {}})
    assert finals.direction == optuna.study.StudyDirection.MAXIMIZE
    labels = [each["label"] for each in finals.user_attrs["candidates"]]
    assert labels == ["trial 1", "trial 2", "trial 0", "as it stood"]
    assert [trial.state for trial in finals.trials] == [TrialState.WAITING] * 8
    while waiting := finals.get_trials(states=(TrialState.WAITING,)):
        trial = finals.ask()
        assert trial.number == waiting[0].number
        index, seed = trial.user_attrs["final"]
        trial.set_user_attr("folder", str(sweep.folder / f"{index}-{seed}"))
        finals.tell(trial, [0.6, 0.8, 0.5, 0.8][index] + 0.01 * seed)
    ranked = ranking(sweep, study, finals)
    assert [each.candidate.label for each in ranked] == ["as it stood", "trial 2", "trial 1", "trial 0"]
    assert ranked[0].best_folder.name == "3-3"


def test_the_summary_is_by_the_judge_that_it_is_given(sweep, capsys):
    study = study_of(sweep)
    finals = optuna.create_study(direction="maximize")
    finals.set_user_attr("candidates", [{"label": f"trial {number}", "overrides": []} for number in range(3)])
    for number, uar in enumerate(FOUND):
        about = {"final": [number, 2], "folder": str(sweep.folder / "trials" / f"{number:04d}")}
        finals.add_trial(create_trial(value=uar, user_attrs=about))
    summary = summary_of(sweep, study, finals, MeanJudge(), 60.0)
    assert summary["rate"] == "uar" and summary["winner"]["label"] == "trial 1"
    assert summary["winner"]["dev_ci95"] == [0.9, 0.9]
    assert summary["against"]["runner_up"]["difference"] == pytest.approx(0.2)
    summary["winner"]["metrics"] = {"test": {"uar": 0.85}}
    print_summary(summary, sweep)
    said = capsys.readouterr().out
    assert "against runner up, on dev: 20.00 points (0.00 to 50.00), bootstrap p 0.03, sign p 0.2" in said
    assert "test UAR of the winner: 85.00 %\n" in said


def test_a_trial_keeps_rates_intervals_counts_and_what_can_be_an_objective():
    dev = {"uar": 0.9, "uar_ci95": [0.8, 0.95], "utterances": 12, "real_time_factor": 0.1, "about": "x", "spread": 0.2}
    kept = metrics_to_keep({"dev": dev, "train": {"seconds": 3.0}}, [UAR, LOSS])
    assert kept == {
        "dev": {"uar": 0.9, "uar_ci95": [0.8, 0.95], "utterances": 12, "real_time_factor": 0.1},
        "train": {"seconds": 3.0},
    }


def test_objectives_are_those_of_the_task():
    assert choose_objectives(None, [], [UAR, LOSS], "uar") == (["uar"], UAR, [])
    with pytest.raises(UserError, match="objectives: wer is not known; there are uar, cross_entropy, parameters"):
        choose_objectives(["wer"], [], [UAR, LOSS], "uar")
    with pytest.raises(UserError, match=r"trainer.monitor=wer: no rate of this task; there are uar, cross_entropy"):
        choose_objectives(None, [], [UAR, LOSS], "wer")


def test_without_hypotheses_there_is_no_interval(sweep, tmp_path: Path):
    study = study_of(sweep)
    for file in tmp_path.rglob("hypotheses.jsonl"):
        file.unlink()
    assert summary_of(sweep, study, None, MeanJudge(), 60.0)["winner"]["dev_ci95"] is None
