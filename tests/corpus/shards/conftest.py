"""A small corpus, its shards, and a server that has them."""

import functools
import http.server
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.commands import run
from tests.corpus.recordings import pair, record, tone
from tests.corpus.shards.sharded import QuietHandler


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """48 recordings of twelve speakers, one of them at another rate and one that is no audio."""
    folder = tmp_path_factory.mktemp("speech")
    random = np.random.default_rng(0)
    for speaker in "abcdefghijkl":
        for number in range(4):
            seconds = 0.4 + 0.1 * number + 0.02 * (ord(speaker) - 97)
            noise = 0.01 * random.standard_normal(round(seconds * 16000)).astype(np.float32)
            samples = tone(seconds, 200 + 10 * number)
            pair(folder / speaker, f"{number}", f"Text {speaker} {number}", samples + noise[: len(samples)])
    record(folder / "a" / "1.wav", tone(0.5, rate=8000), rate=8000)
    (folder / "b" / "2.wav").write_bytes(b"no audio at all")
    return folder


@pytest.fixture(scope="module")
def shards(source, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("sharded") / "shards"
    done = run("asr", "shard", source, target, "--shard-size", 5)
    assert done.status == 0, done.err
    assert "cannot be used: 1, see" in done.err
    return target


@pytest.fixture
def served(shards):
    """The URL of the shards on a server of this machine."""
    handler = functools.partial(QuietHandler, directory=str(shards))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
