"""Small models, opened once, and the server that asks them."""

import pytest
from starlette.testclient import TestClient

from asr.serve.analysis import load_analysers
from asr.serve.application import Limits, application
from tests.serve.small_models import mood_model, speaker_model, text_model


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Three model folders: text, emotion, speaker."""
    home = tmp_path_factory.mktemp("models")
    return [text_model(home / "words" / "model"), mood_model(home / "moods"), speaker_model(home / "voices" / "model")]


@pytest.fixture(scope="session")
def analysers(folders):
    return load_analysers(folders)


@pytest.fixture
def client(analysers):
    with TestClient(application(analysers, Limits(seconds=10, mib=2))) as opened:
        yield opened
