"""What came of a sweep: the winner and how sure that is; of one under way, what is known so far."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from asr.report import page
from asr.report.numbers import NONE, bounds, clock, count, interval, is_number, percent, probability
from asr.report.sweep.trials import choices, done, link, parameters, trained_s, with_value, written
from asr.screen import as_text
from asr.tuning.finals import folder_of
from asr.tuning.sweep import Sweep
from asr.tuning.trials import STATES, dev_of, dev_rate

RIVALS = {"runner_up": "The runner-up", "as_it_stood": "The configuration as it stood"}


def headline(sweep: Sweep, summary: Mapping[str, Any], trials: Sequence[FrozenTrial]) -> str:
    """HTML: of a finished sweep. summary: what summary.json holds."""
    winner, rate = summary["winner"], sweep.rate.name
    test = winner.get("metrics", {}).get("test", {})
    seeds = len(winner["dev_each"])
    remark = interval(winner["dev_ci95"])
    figures = [
        ("Winner", winner["label"], f"search={sweep.name}"),
        (
            f"{rate.upper()} on dev" + (f", mean of {seeds} seeds" if seeds > 1 else ""),
            percent(winner["dev"]),
            f"95 % interval {remark}" if remark else "",
        ),
        (f"{rate.upper()} on test", percent(test.get(rate)), f"95 % interval {interval(test.get(f'{rate}_ci95'))}"),
        ("Trials", *counted(trials)),
        took(summary["seconds"], summary["trained_share"]),
    ]
    return "".join(
        [
            page.cards(figures),
            f'<p class="command">{page.escape(" ".join(winner["overrides"]) or "nothing changed")}</p>',
            f"<p>{files(sweep, winner)}</p>",
            finals(summary["finals"], rate),
            against(summary["against"], winner["label"], rate),
        ]
    )


def so_far(sweep: Sweep, trials: Sequence[FrozenTrial], others: Sequence[FrozenTrial], seconds: float) -> str:
    """HTML: of a sweep that has not finished. others: the trainings of the finals."""
    told = page.note("This sweep has not finished: it is under way, or was interrupted. What follows is known so far.")
    finished = done(trials)
    trained = sum(trained_s(trial) or 0.0 for trial in (*trials, *others))
    figures = [("Trials", *counted(trials)), took(seconds, trained / (seconds * sweep.workers) if seconds else None)]
    if not finished:
        return told + page.cards(figures) + page.paragraph("No trial has been finished yet.")
    best, rate = finished[0], sweep.rate.name
    expected = interval(dev_of(best).get(f"{rate}_ci95"))
    of_it = "of one training" + (f", 95 % interval {expected}" if expected else "")
    on_dev = f"{rate.upper()} on dev", percent(dev_rate(best, rate)), of_it
    figures = [("Best so far", f"trial {best.number}", ""), on_dev, *figures]
    seeds: dict[str, list[float]] = {}
    for trial in done(others):
        seeds.setdefault(str(trial.user_attrs.get("label")), []).append(trial.values[0])
    ranked = [
        {"label": label, "dev": mean(each), "dev_each": each}
        for label, each in sorted(seeds.items(), key=lambda item: mean(item[1]))
    ]
    return told + page.cards(figures) + f'<p class="command">{page.escape(written(best))}</p>' + finals(ranked, rate)


def counted(trials: Sequence[FrozenTrial]) -> tuple[str, str]:
    """How many trials were begun, and what became of them."""
    states = [trial.state for trial in trials]
    told = [f"{states.count(state)} {word}" for state, word in STATES.items() if state in states]
    return count(len(states) - states.count(TrialState.WAITING)), ", ".join(told)


def took(seconds: float, share: float | None) -> tuple[str, str, str]:
    return "Took", clock(seconds), f"{share:.0%} of it training" if is_number(share) else ""


def files(sweep: Sweep, winner: Mapping[str, Any]) -> str:
    """HTML: where the winner's model, its run and its experiment file lie."""
    run = folder_of(winner)
    found = [
        ("its run", run),
        ("its model", run / "model"),
        ("its configuration as an experiment", sweep.folder / "winner.yaml"),
    ]
    shown = [f"{name}: {link(sweep.folder, path, str(path))}" for name, path in found if path.exists()]
    return "<br>".join(part[0].upper() + part[1:] for part in shown)


def finals(ranked: Iterable[Mapping[str, Any]], rate: str) -> str:
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
    bars = [(each["dev"], bounds(each.get("dev_ci95"))) for each in ranked]
    columns = ["Candidate", f"#Mean dev {rate.upper()}", "#95 % interval", "#Each seed"]
    shown = page.table(columns, rows, bars)
    return f"<h3>The finals: trained again with other seeds</h3>{shown}" if rows else ""


def against(tested: Mapping[str, Mapping[str, Any]], winner: str, rate: str) -> str:
    """Whether the winner is better, or only luckier."""
    rows = []
    for name, found in tested.items():
        if "bootstrap_p" not in found:
            rows.append([RIVALS[name], found["label"], NONE, "", "", ""])
            continue
        low, high = found["difference_ci95"]
        rows.append(
            [
                RIVALS[name],
                found["label"],
                f"{100 * found['difference']:+.1f}",
                f"{100 * low:+.1f} to {100 * high:+.1f}",
                probability(found["bootstrap_p"]),
                probability(found["mapsswe"]["p"]),
            ]
        )
    if not rows:
        return ""
    columns = ["Against", "Which is", f"#{rate.upper()}, points", "#95 % interval"]
    columns += ["#p, bootstrap over speakers", "#p, MAPSSWE"]
    said = (
        f"{winner} against others on the same dev utterances; below 0 it is better. A difference with p below 0.05 "
        "would rarely come about by luck; that the best was picked among many makes luck likelier."
    )
    return f"<h3>Better, or luckier?</h3>{page.table(columns, rows)}{page.paragraph(said)}"


def best_of_each(trials: Sequence[FrozenTrial], rate: str) -> str:
    """HTML: for each value of the parameters that are choices, the best trial with it."""
    finished, parts = done(trials), []
    for name, values in choices(finished).items():
        rows = []
        for value in values:
            some = with_value(finished, name, value)
            if some:
                rows.append((some[0], [as_text(value), str(len(some)), *figures_of(some[0], rate)]))
        rows.sort(key=lambda row: row[0].values)
        columns = [name, "#Finished", "#Best trial", f"#Dev {rate.upper()}", "#95 % interval"]
        columns += ["#Parameters", "#Trained"]
        bars = [(dev_rate(trial, rate) or 0.0, bounds(dev_of(trial).get(f"{rate}_ci95"))) for trial, _ in rows]
        parts.append(page.table(columns, [row for _, row in rows], bars))
    return "".join(parts)


def figures_of(trial: FrozenTrial, rate: str) -> list[str]:
    seconds = trained_s(trial)
    return [
        str(trial.number),
        percent(dev_rate(trial, rate)),
        interval(dev_of(trial).get(f"{rate}_ci95")),
        count(parameters(trial)),
        clock(seconds) if seconds is not None else NONE,
    ]
