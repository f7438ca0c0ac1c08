"""A corpus, a run and a model, to be spoilt."""

import shutil
from pathlib import Path

import pytest

from tests.commands import train


@pytest.fixture
def corpus(tones, tmp_path) -> Path:
    """A copy to be spoilt."""
    return shutil.copytree(tones, tmp_path / "corpus")


@pytest.fixture(scope="module")
def trained(tones, tmp_path_factory) -> Path:
    """A finished run; its model is not to be touched."""
    folder = tmp_path_factory.mktemp("runs") / "trained"
    assert train(tones, folder).status == 0
    return folder


@pytest.fixture
def model(trained, tmp_path) -> Path:
    """A copy of a model folder, to be spoilt."""
    return shutil.copytree(trained / "model", tmp_path / "model")


@pytest.fixture
def recording(tones) -> Path:
    return next(tones.rglob("*.wav"))
