"""The study for TensorBoard's HParams: what each finished trial was given, and what came of it."""

from collections.abc import Sequence

from optuna.trial import FrozenTrial
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from asr.report.sweep.objectives import objectives_of
from asr.report.sweep.trials import finished_trials
from asr.tuning.sweep import Sweep


def write_hparams(sweep: Sweep, trials: Sequence[FrozenTrial]) -> None:
    """A session below hparams/ for each trial with a result that has none yet.

    Sessions stand without an experiment's summary, which would fix the columns: TensorBoard gathers them from all
    sessions, so that parameters which only some trials have are columns too.
    """
    objectives = objectives_of(sweep)
    for trial in finished_trials(trials, objectives):
        folder = sweep.folder / "hparams" / f"{trial.number:04d}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:  # written already, or just now by whoever watches on another machine
            continue
        values = {name: value if isinstance(value, int | float) else str(value) for name, value in trial.params.items()}
        metrics = dict(zip((each.title for each in objectives), trial.values, strict=True))
        _, begins, ends = hparams(values, metrics)
        with SummaryWriter(str(folder)) as writer:
            writer.file_writer.add_summary(begins)
            for name, value in metrics.items():
                writer.add_scalar(name, value, 0)
            writer.file_writer.add_summary(ends)
