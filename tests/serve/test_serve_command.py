"""`asr serve` starts, says where, ends when it is interrupted, and names what keeps it from starting."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from asr.serve.server import listen
from tests.commands import ROOT, run


def test_it_answers_until_it_is_interrupted(folders):
    models = [part for folder in folders[1:] for part in ("--model", str(folder))]
    command = [sys.executable, "-m", "asr.cli", "serve", *models, "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stderr is not None
            address, told = server.stderr.readline().split(" tells: ")
            assert told == "emotion (moods), speaker (voices)\n"
            with urllib.request.urlopen(f"{address}/health", timeout=20) as answer:
                assert json.load(answer)["status"] == "ok"
                assert "server" not in answer.headers
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 130
            assert server.stderr.read() == "interrupted\n"
        finally:
            server.kill()


def test_no_model(tmp_path):
    assert "not a model folder" in run("asr", "serve", "--model", tmp_path / "none").error


def test_an_address_that_is_taken(folders):
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        error = run("asr", "serve", "--model", folders[1], "--port", port).error
    assert error.startswith(f"http://127.0.0.1:{port} cannot be served") and "choose another --port" in error
    assert "cannot be served" in run("asr", "serve", "--model", folders[1], "--host", "no.such.host.invalid").error


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "python_multipart"])
def test_what_is_not_installed_is_named(folders, package, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == package else find(name, *rest))
    error = run("asr", "serve", "--model", folders[1]).error
    assert package in error and "pip install 'asr-from-scratch[server]'" in error


def test_everybody_is_warned_that_there_is_no_login(folders, monkeypatch):
    monkeypatch.setattr("asr.serve.server.serve", lambda app, listening: None)
    done = run("asr", "serve", "--model", folders[1], "--host", "0.0.0.0", "--port", 0)
    assert done.status == 0 and "there is no login" in done.err
    assert "there is no login" not in run("asr", "serve", "--model", folders[1], "--port", 0).err
