"""What came of a sweep: the winner and how sure that is; of one under way, what is known so far."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from markupsafe import Markup
from optuna.trial import FrozenTrial, TrialState

from asr.report.numbers import NONE, bounds, clock, count, interval, is_number, percent
from asr.report.page import part, render
from asr.report.paired import EXPLAINED, paired_cells, paired_columns
from asr.report.sweep.objectives import Objective, objectives_of, on_dev
from asr.report.sweep.trials import choices, finished_trials, link, parameters, trained_s, with_value, written
from asr.report.tables import Bars, Table
from asr.screen import as_text
from asr.task import Rate
from asr.tuning.finals import folder_of
from asr.tuning.side_by_side import as_table
from asr.tuning.sweep import Sweep
from asr.tuning.trials import STATES, dev_of, dev_rate

RIVALS = {"runner_up": "The runner-up", "as_it_stood": "The configuration as it stood"}
SIDE = {False: "below", True: "above"}  # 0, where a difference is in the winner's favour

Card = tuple[str, str, str]


def headline(sweep: Sweep, summary: Mapping[str, Any], trials: Sequence[FrozenTrial]) -> Markup:
    """Of a finished sweep. summary: what summary.json holds."""
    winner, rate = summary["winner"], sweep.rate
    test, seeds = winner.get("metrics", {}).get("test", {}), len(winner["dev_each"])
    over_seeds = f", mean of {seeds} seeds" if seeds > 1 else ""
    cards = [
        ("Winner", winner["label"], f"search={sweep.name}"),
        (f"{rate.title} on dev{over_seeds}", percent(winner["dev"]), interval_in_words(winner["dev_ci95"])),
        (f"{rate.title} on test", percent(test.get(rate.name)), interval_in_words(test.get(f"{rate.name}_ci95"))),
        trials_card(trials),
        time_card(summary["seconds"], summary["trained_share"]),
    ]
    return render(
        "sweep_headline.html",
        unfinished=False,
        cards=cards,
        remark="",
        command=" ".join(winner["overrides"]) or "nothing changed",
        files=files(sweep, winner),
        finals=finals(summary["finals"], rate),
        rivals=rivals(summary["against"], rate),
        rivals_explained=(
            f"{winner['label']} against others on the same dev utterances; {SIDE[rate.higher_is_better]} 0 it is"
            f" better. {EXPLAINED} That the best was picked among many makes luck likelier."
        ),
    )


def headline_so_far(
    sweep: Sweep, trials: Sequence[FrozenTrial], final_trials: Sequence[FrozenTrial], seconds: float
) -> Markup:
    """Of a sweep that has not finished, which has taken so many seconds; final_trials: the trainings of its finals."""
    rate, finished = sweep.rate, finished_trials(trials, objectives_of(sweep))
    trained = sum(trained_s(trial) or 0.0 for trial in (*trials, *final_trials))
    cards = [trials_card(trials), time_card(seconds, trained / (seconds * sweep.workers) if seconds else None)]
    if finished:
        best = finished[0]
        expected = interval_in_words(dev_of(best).get(f"{rate.name}_ci95"))
        remark = "of one training" + (f", {expected}" if expected else "")
        figure = percent(dev_rate(best, rate.name))
        cards = [("Best so far", f"trial {best.number}", ""), (f"{rate.title} on dev", figure, remark), *cards]
    seeds: dict[str, list[float]] = {}
    for trial in finished_trials(final_trials, [on_dev(rate)]):
        seeds.setdefault(str(trial.user_attrs.get("label")), []).append(trial.values[0])
    ranked = [
        {"label": label, "dev": mean(each), "dev_each": each}
        for label, each in sorted(seeds.items(), key=lambda item: rate.cost(mean(item[1])))
    ]
    return render(
        "sweep_headline.html",
        unfinished=True,
        cards=cards,
        remark="" if finished else "No trial has been finished yet.",
        command=written(finished[0]) if finished else "",
        files=[],
        finals=finals(ranked, rate),
        rivals=None,
        rivals_explained="",
    )


def interval_in_words(values: Any) -> str:
    """95 % interval 3.1 – 5.4 %; nothing for what is no interval."""
    expected = interval(values)
    return f"95 % interval {expected}" if expected else ""


def trials_card(trials: Sequence[FrozenTrial]) -> Card:
    """How many trials were begun, and what became of them."""
    states = [trial.state for trial in trials]
    ends = [f"{states.count(state)} {word}" for state, word in STATES.items() if state in states]
    return "Trials", count(len(states) - states.count(TrialState.WAITING)), ", ".join(ends)


def time_card(seconds: float, training_share: float | None) -> Card:
    return "Took", clock(seconds), f"{training_share:.0%} of it training" if is_number(training_share) else ""


def files(sweep: Sweep, winner: Mapping[str, Any]) -> list[tuple[str, Path, str]]:
    """Where the winner's run, its model and its experiment file lie, as far as they are here: name, path, link."""
    run = folder_of(winner)
    found = (
        ("Its run", run),
        ("Its model", run / "model"),
        ("Its configuration as an experiment", sweep.folder / "winner.yaml"),
    )
    return [(name, path, link(sweep.folder, path)) for name, path in found if path.exists()]


def finals(ranked: Iterable[Mapping[str, Any]], rate: Rate) -> Table:
    """Each candidate with every seed."""
    ranked = list(ranked)
    rows = [
        [
            each["label"],
            percent(each["dev"]),
            interval(each.get("dev_ci95")),
            ", ".join(map(percent, each["dev_each"])),
        ]
        for each in ranked
    ]
    bars = Bars.of(rate, [(each["dev"], bounds(each.get("dev_ci95"))) for each in ranked])
    return Table(["Candidate", f"#Mean dev {rate.title}", "#95 % interval", "#Each seed"], rows, bars)


def rivals(tested: Mapping[str, Mapping[str, Any]], rate: Rate) -> Table:
    """Whether the winner is better than others, or only luckier."""
    columns = paired_columns(rate.title, list(tested.values()))
    rows = [[RIVALS[name], found["label"], *paired_cells(found, columns)] for name, found in tested.items()]
    return Table(["Against", "Which is", *columns], rows)


def beside(found: Mapping[str, Any] | None) -> Markup:
    """What stands side by side in summary.json; nothing where nothing does."""
    if not found:
        return Markup()
    head, rows = as_table(found)
    return part("table", Table([head[0], *(f"#{title}" for title in head[1:])], rows))


def best_of_each(trials: Sequence[FrozenTrial], objectives: Sequence[Objective], rate: Rate) -> Markup:
    """For each value of the parameters that are choices, the best trial with it."""
    finished, tables = finished_trials(trials, objectives), Markup()
    for name, values in choices(finished).items():
        groups = [(value, some) for value in values if (some := with_value(finished, name, value))]
        best_first = sorted(groups, key=lambda group: finished.index(group[1][0]))
        rows = [[as_text(value), str(len(some)), *best_cells(some[0], rate)] for value, some in best_first]
        bars = [(dev_rate(some[0], rate.name) or 0.0, dev_bounds(some[0], rate)) for _, some in best_first]
        columns = [name, "#Finished", "#Best trial", f"#Dev {rate.title}", "#95 % interval", "#Parameters", "#Trained"]
        tables += part("table", Table(columns, rows, Bars.of(rate, bars)))
    return tables


def best_cells(trial: FrozenTrial, rate: Rate) -> list[str]:
    seconds = trained_s(trial)
    return [
        str(trial.number),
        percent(dev_rate(trial, rate.name)),
        interval(dev_of(trial).get(f"{rate.name}_ci95")),
        count(parameters(trial)),
        clock(seconds) if seconds is not None else NONE,
    ]


def dev_bounds(trial: FrozenTrial, rate: Rate) -> tuple[float, float] | None:
    return bounds(dev_of(trial).get(f"{rate.name}_ci95"))
