"""What asr/task.py promises, for every file in conf/task/."""

import inspect

import pytest
from omegaconf.errors import MissingMandatoryValue

from asr.configuration.compose import load_values
from asr.configuration.search_path import group_files
from asr.task import Task
from asr.training.plan import rates_by_importance, task_of

PROMISED = sorted(name for name in vars(Task) if not name.startswith("_"))
NOT_YET = {"encode"}  # made when targets are learnt


def values_of(name: str) -> dict:
    """The configuration of a task, what it wants to be given filled in."""
    try:
        return load_values("train", [f"task={name}"])
    except MissingMandatoryValue as missing:
        return load_values("train", [f"task={name}", f"{missing.full_key}=something"])


@pytest.mark.parametrize("name", group_files("task"))
def test_every_task_has_what_is_promised(name):
    task = task_of(values_of(name))
    assert len(PROMISED) > 15
    assert [each for each in PROMISED if not hasattr(task, each)] in ([], sorted(NOT_YET))
    assert rates_by_importance(task, None) == list(task.rates) or tuple(rates_by_importance(task, None)) == task.rates
    assert task.loss.views >= 1
    for method, promised in inspect.getmembers(Task, inspect.isfunction):
        if method.startswith("_") or method in NOT_YET or isinstance(vars(Task).get(method), property):
            continue
        taken = list(inspect.signature(getattr(task, method)).parameters)
        assert len(taken) == len(inspect.signature(promised).parameters) - 1, method


@pytest.mark.parametrize("name", group_files("task"))
def test_a_rate_can_be_put_first(name):
    task = task_of(values_of(name))
    last = task.rates[-1]
    assert rates_by_importance(task, last.name)[0] is last
    assert sorted(rates_by_importance(task, last.name), key=str) == sorted(task.rates, key=str)
