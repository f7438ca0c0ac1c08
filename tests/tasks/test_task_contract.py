"""What asr/task.py promises, for every file in conf/task/."""

import inspect

import pytest
from omegaconf.errors import MissingMandatoryValue

from asr.configuration.compose import load_values
from asr.configuration.search_path import group_files
from asr.task import Task, TrainsByItself
from asr.training.plan import chosen_task, rates_by_importance

NOT_YET = {"encode"}  # made when targets are learnt


def values_of(name: str) -> dict:
    """The configuration of a task, what it wants to be given filled in."""
    try:
        return load_values("train", [f"task={name}"])
    except MissingMandatoryValue as missing:
        return load_values("train", [f"task={name}", f"{missing.full_key}=something"])


def promised_by(protocol: type) -> list[str]:
    return sorted(name for name in vars(protocol) if not name.startswith("_"))


@pytest.mark.parametrize("name", group_files("task"))
def test_every_task_has_what_is_promised(name):
    task = chosen_task(values_of(name))
    protocol = TrainsByItself if isinstance(task, TrainsByItself) else Task
    assert len(promised_by(Task)) > 15 > len(promised_by(TrainsByItself)) > 2
    assert [each for each in promised_by(protocol) if not hasattr(task, each)] in ([], sorted(NOT_YET))
    assert rates_by_importance(task, None) == list(task.rates) or tuple(rates_by_importance(task, None)) == task.rates
    assert protocol is TrainsByItself or task.loss.views >= 1
    for method, promised in inspect.getmembers(protocol, inspect.isfunction):
        if method.startswith("_") or method in NOT_YET or isinstance(vars(protocol).get(method), property):
            continue
        taken = list(inspect.signature(getattr(task, method)).parameters)
        assert len(taken) == len(inspect.signature(promised).parameters) - 1, method


@pytest.mark.parametrize("name", group_files("task"))
def test_a_rate_can_be_put_first(name):
    task = chosen_task(values_of(name))
    last = task.rates[-1]
    assert rates_by_importance(task, last.name)[0] is last
    assert sorted(rates_by_importance(task, last.name), key=str) == sorted(task.rates, key=str)
