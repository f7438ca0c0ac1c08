"""What several tests share."""

import os
import signal
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: a thread each, also of what they begin
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from tests.tones import make_corpus


@pytest.fixture(scope="session")
def tones(tmp_path_factory) -> Path:
    """A folder of sixty short recordings in a language of three tones, by six speakers."""
    return make_corpus(tmp_path_factory.mktemp("corpus") / "tones")


@pytest.fixture(scope="session", autouse=True)
def signals_that_arrive():
    """Where the tests run in the background of a shell, their children would ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
