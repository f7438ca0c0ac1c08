"""Which parameters made the difference: functional ANOVA (Hutter et al. 2014), also where some depend on others.

Optuna's fANOVA knows only parameters that all finished trials have. Those that depend on a choice are weighed among the
trials of that choice; and all together by conditional PED-ANOVA (Watanabe et al. 2023), once there are enough trials.
"""

from collections.abc import Sequence

from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial
from optuna.visualization import plot_param_importances

from asr.evaluation import page
from asr.tuning.report.plots import plot, snapshot
from asr.tuning.report.trials import NAMES, choices, depending, done, shared, with_value
from asr.tuning.table import shown

FEWEST = 10  # finished trials that an importance is told of
FEWEST_ABOVE = 50  # for PED-ANOVA, which compares the best tenth with the rest


def importances(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> str:
    """HTML: the importance of each parameter for each objective; a sentence where it cannot be told."""
    finished = done(trials)
    if len(finished) < FEWEST:
        return page.paragraph(
            f"With {len(finished)} finished trials nothing can be said of which parameters matter; {FEWEST} are wanted."
        )
    conditional = any(set(trial.params) - set(shared(finished)) for trial in finished)
    told = (
        "The share of the differences between finished trials that goes with each parameter (functional ANOVA over a "
        "random forest). Pruned trials do not count, so that what was soon given up may matter more than is seen here."
    )
    if conditional:
        told += " Parameters that only some trials have stand below, among the trials that have them."
    parts = [page.paragraph(told), *(fanova(finished, objectives, place) for place in range(len(objectives)))]
    if conditional:
        parts += [within(finished, objectives, name) for name in choices(finished) if depending(finished, name)]
        parts.append(all_together(finished, objectives))
    return "".join(parts)


def fanova(finished: Sequence[FrozenTrial], objectives: Sequence[str], place: int, among: str = "") -> str:
    """The importance of the parameters that all of these trials have and that differ between them."""
    names = [name for name in shared(finished) if len({str(trial.params[name]) for trial in finished}) > 1]
    title = f"Importance for {NAMES[objectives[place]]}" + (f", {among}" if among else "")
    if len(names) < 2:
        return page.paragraph(f"{title}: fewer than two parameters differ between all of these trials.")
    return bars(title, finished, objectives, place, FanovaImportanceEvaluator(seed=0), names)


def within(finished: Sequence[FrozenTrial], objectives: Sequence[str], name: str) -> str:
    """The importances among the trials of each value of a parameter that others depend on."""
    found, few = [], []
    for value in choices(finished)[name]:
        some = with_value(finished, name, value)
        if not set(shared(some)) - set(shared(finished)):
            continue
        if len(some) < FEWEST:
            few.append(f"{shown(value)} ({len(some)})")
            continue
        found.append(fanova(some, objectives, 0, f"{name} = {shown(value)}, {len(some)} trials"))
    left_out = f"Fewer than {FEWEST} finished trials, so nothing is said of them: {name} = {', '.join(few)}."
    return f'<div class="halves">{"".join(found)}</div>' + (page.paragraph(left_out) if few else "")


def all_together(finished: Sequence[FrozenTrial], objectives: Sequence[str]) -> str:
    """All parameters, for being among the best tenth of the trials."""
    if len(finished) < FEWEST_ABOVE:
        return page.paragraph(
            f"All parameters side by side, also those that depend on a choice, takes {FEWEST_ABOVE} finished trials."
        )
    title = f"What the best tenth has in common: {NAMES[objectives[0]]}, all parameters"
    names = list(dict.fromkeys(name for trial in finished for name in trial.params))
    return bars(title, finished, objectives, 0, PedAnovaImportanceEvaluator(), names)


def bars(
    title: str, finished: Sequence[FrozenTrial], objectives: Sequence[str], place: int, evaluator, names: list[str]
) -> str:
    study = snapshot(finished, objectives)

    def make():
        return plot_param_importances(
            study, evaluator, names, target=lambda trial: trial.values[place], target_name=NAMES[objectives[place]]
        ).update_layout(xaxis={"title": "importance", "range": (0, 1.15)}, yaxis_title=None)

    return plot(title, "", make, height=110 + 30 * len(names))
