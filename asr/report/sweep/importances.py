"""Which parameters made the difference: functional ANOVA (Hutter et al. 2014), also where some depend on others.

Pruned trials have no result to be compared by, and what is left without them is a chosen few. So all are compared where
they were still together, early in their budgets; the finished ones once more by what they came to.

Optuna's fANOVA knows only parameters that all trials have. Those that depend on a choice are weighed among the trials
of that choice; and all together by conditional PED-ANOVA (Watanabe et al. 2023), once there are enough trials.
"""

from collections.abc import Sequence
from dataclasses import replace

from markupsafe import Markup
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial
from optuna.visualization import plot_param_importances

from asr.report.page import part
from asr.report.sweep.objectives import Objective, on_dev
from asr.report.sweep.plots import plot, snapshot
from asr.report.sweep.trials import choices, depending, early_on, finished_trials, shared, with_value
from asr.screen import as_text
from asr.task import Rate

FEWEST = 10  # trials that an importance is told of
FEWEST_ABOVE = 50  # for PED-ANOVA, which compares the best tenth with the rest


def importances(trials: Sequence[FrozenTrial], objectives: Sequence[Objective], rate: Rate) -> Markup:
    """The importance of each parameter for each objective, and for the rate on dev early on; else why not."""
    finished = finished_trials(trials, objectives)
    early, share = early_on(trials)
    if max(len(finished), len(early)) < FEWEST:
        unsaid = f"With {len(finished)} finished trials nothing can be said of which parameters matter"
        return part("paragraph", f"{unsaid}; {FEWEST} are wanted.")
    parts = [
        part(
            "paragraph",
            "The share of the differences between trials that goes with each parameter (functional ANOVA over a random "
            "forest). Which values are better is seen below, parameter by parameter.",
        )
    ]
    if len(early) >= FEWEST:
        which = f"All {len(early)} trials that were begun and came so far, also those pruned later."
        objective = replace(on_dev(rate), title=f"{on_dev(rate).title} after {share:.0%} of the budget")
        parts += [part("paragraph", which), *importances_among(early, [objective])]
    if len(finished) >= FEWEST:
        which = f"The {len(finished)} finished trials" + (", which pruning left over." if early else ".")
        parts += [part("paragraph", which), *importances_among(finished, objectives)]
    return Markup().join(parts)


def importances_among(trials: Sequence[FrozenTrial], objectives: Sequence[Objective]) -> list[Markup]:
    """The importances, piece by piece, for each of the trials' values; objectives: what these are."""
    parts = [fanova(trials, objectives, place) for place in range(len(objectives))]
    if any(set(trial.params) - set(shared(trials)) for trial in trials):
        parts.append(part("paragraph", "Parameters that only some trials have, among the trials that have them:"))
        parts += [within(trials, objectives, name) for name in choices(trials) if depending(trials, name)]
        parts.append(all_together(trials, objectives))
    return parts


def fanova(trials: Sequence[FrozenTrial], objectives: Sequence[Objective], place: int, among: str = "") -> Markup:
    """The importance of the parameters that all of these trials have and that differ between them."""
    names = [name for name in shared(trials) if len({str(trial.params[name]) for trial in trials}) > 1]
    title = f"Importance for {objectives[place].title}" + (f", {among}" if among else "")
    if len(names) < 2:
        return part("paragraph", f"{title}: fewer than two parameters differ between all of these trials.")
    return bars(title, trials, objectives, place, FanovaImportanceEvaluator(seed=0), names)


def within(trials: Sequence[FrozenTrial], objectives: Sequence[Objective], name: str) -> Markup:
    """The importances among the trials of each value of a parameter that others depend on."""
    found: list[tuple[str, Markup]] = []
    few = []
    for value in choices(trials)[name]:
        some = with_value(trials, name, value)
        if not set(shared(some)) - set(shared(trials)):
            continue
        if len(some) < FEWEST:
            few.append(f"{as_text(value)} ({len(some)})")
            continue
        found.append(("", fanova(some, objectives, 0, f"{name} = {as_text(value)}, {len(some)} trials")))
    left_out = f"Fewer than {FEWEST} trials, so nothing is said of them: {name} = {', '.join(few)}."
    return part("beside", "halves", found) + part("paragraph", left_out if few else "")


def all_together(trials: Sequence[FrozenTrial], objectives: Sequence[Objective]) -> Markup:
    """All parameters, for being among the best tenth of the trials."""
    if len(trials) < FEWEST_ABOVE:
        return part(
            "paragraph",
            f"All parameters side by side, also those that depend on a choice, takes {FEWEST_ABOVE} trials.",
        )
    title = f"What the best tenth has in common: {objectives[0].title}, all parameters"
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    return bars(title, trials, objectives, 0, PedAnovaImportanceEvaluator(), names)


def bars(
    title: str, trials: Sequence[FrozenTrial], objectives: Sequence[Objective], place: int, evaluator, names: list[str]
) -> Markup:
    """A bar a parameter, for the value of each trial at `place`."""
    study, objective = snapshot(trials, objectives), objectives[place]

    def make():
        return plot_param_importances(
            study,
            evaluator,
            names,
            target=lambda trial: objective.cost(trial.values[place]),  # PED-ANOVA takes the least for the best
            target_name=objective.title,
        ).update_layout(xaxis={"title": "importance", "range": (0, 1.15)}, yaxis_title=None)

    return plot(title, "", make, height=110 + 30 * len(names))
