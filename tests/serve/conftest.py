"""Small models, opened once, and the server that asks them."""

import threading

import pytest
from starlette.testclient import TestClient

from asr.serve.analysis import load_analysers
from asr.serve.application import Limits, application
from asr.serve.server import address_of, listen, serve
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


@pytest.fixture(scope="session")
def address(analysers):
    """Where a server answers over the network."""
    started, servers = threading.Event(), []

    def on_start(server):
        servers.append(server)
        started.set()

    with listen("127.0.0.1", 0) as listening:
        app = application(analysers, Limits(seconds=10, mib=2))
        thread = threading.Thread(target=serve, args=(app, listening, on_start))
        thread.start()
        assert started.wait(10)
        yield address_of(listening)
        servers[0].should_exit = True
        thread.join(20)
