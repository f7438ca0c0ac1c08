"""Whatever is sent, the answer says what is wrong with it and what to do, and nothing of the server."""

import asyncio
import struct
import threading
import time
import tracemalloc

import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

from asr.serve.analysis import Analysers
from asr.serve.application import Limits, application
from asr.serve.findings import Finding
from asr.serve.recording import decode
from asr.serve.refusal import Refusal
from tests.serve.sounds import RATE, chirp, encoded, webm

SOUND = encoded(chirp())


def open_ended_flac(seconds: int, rate: int = RATE, channels: int = 1) -> bytes:
    """Digital silence whose header does not tell its length: half a minute in some hundred bytes."""
    content = bytearray(encoded(np.zeros((seconds * rate, channels), np.int16), rate, format="FLAC"))
    content[8 + 13] &= 0xF0
    content[8 + 14 : 8 + 18] = bytes(4)
    return bytes(content)


NOT_A_NUMBER = np.where(np.arange(RATE) == 99, np.nan, chirp())
BAD = {
    "empty": (b"", 422, "0 bytes"),
    "text": (b"hello, this is no sound at all" * 9, 415, "not audio"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(999), 415, "not audio"),
    "long": (encoded(chirp(11)), 413, "it lasts 11.0 s; at most 10 s"),
    "long, of untold length": (open_ended_flac(30), 413, "longer; at most 10 s"),
    "short": (encoded(chirp(0.05)), 422, "at least 0.1 s"),
    "big": (SOUND + bytes(2_100_000), 413, "at most 2 MiB"),
    "cut off": (SOUND[:-9000], 422, "the header promises"),
    "cut-off Ogg": (encoded(chirp(), format="OGG", subtype="OPUS")[:-400], 422, "Ogg"),
    "cut-off WebM": (webm(chirp(rate=48_000))[:-100], 422, "the file ends within its sound"),
    "WebM of no sound": (bytes.fromhex("1a45dfa380"), 415, "no track of Opus"),
    "silent": (encoded(np.zeros(RATE)), 422, "nothing is heard"),
    "no number": (encoded(NOT_A_NUMBER, subtype="FLOAT"), 422, "1 samples are NaN or infinite"),
    "channels": (encoded(np.tile(chirp(0.2)[:, None], (1, 16))), 422, "it has 16 channels"),
    "no samples": (encoded(np.zeros(0)), 422, "no samples"),
    "odd rate": (SOUND[:24] + struct.pack("<I", 4_000_000) + SOUND[28:], 415, "samples a second"),
    "promises too much": (SOUND[:40] + struct.pack("<I", 2_000_000_000) + SOUND[44:], 422, "the header promises"),
}


def problem(answer, status: int) -> str:
    """What the answer says is wrong, after a look at its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"error", "remedy"} and all(answer.json().values())
    assert "/tmp" not in answer.text and "site-packages" not in answer.text and "0x" not in answer.text
    return answer.json()["error"]


@pytest.mark.parametrize("kind", BAD)
def test_bad_files(client, kind):
    content, status, reason = BAD[kind]
    assert reason in problem(client.post("/api/analyse", files={"file": ("../../etc/<b>.wav", content)}), status)


def test_bad_forms(client):
    assert "no form" in problem(client.post("/api/analyse", content=SOUND), 415)
    assert "no form" in problem(client.post("/api/analyse", json={"file": "a"}), 415)
    assert "no field `file`" in problem(client.post("/api/analyse", files={"sound": SOUND}), 400)
    two = client.post("/api/analyse", files=[("file", SOUND), ("file", SOUND)])
    assert "2 fields `file`" in problem(two, 400)
    form = {"content-type": "multipart/form-data; boundary=x"}
    begun = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + SOUND
    assert "ends before" in problem(client.post("/api/analyse", content=begun, headers=form), 400)
    assert "damaged" in problem(client.post("/api/analyse", content=b"nothing of the kind", headers=form), 400)
    without = {"content-type": "multipart/form-data"}
    assert problem(client.post("/api/analyse", content=begun, headers=without), 400)
    long = {"content-type": f"multipart/form-data; boundary={'x' * 5000}"}
    assert "damaged" in problem(client.post("/api/analyse", content=begun, headers=long), 400)


def test_a_file_among_other_fields_is_taken(client):
    answer = client.post("/api/analyse", files={"file": SOUND, "other": b"x"}, data={"more": "y"})
    assert answer.status_code == 200


def test_wrong_methods_and_addresses(client):
    assert "GET is not what" in problem(client.get("/api/analyse"), 405)
    assert "POST is not what" in problem(client.post("/api/models"), 405)
    for path in ("/nothing", "/docs", "/../setup.cfg", "/serve.py", "/templates/page.html"):
        assert "nothing at this address" in problem(client.get(path), 404)


@pytest.mark.parametrize("announced", [True, False])
def test_too_much_is_refused_before_it_is_read(analysers, announced):
    """Of a hundred MiB, nothing is taken where the length is announced, and little more than the limit where not."""
    app = application(analysers, Limits(mib=1))
    asked, sent = [], []
    begun = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    pieces = [begun, *[bytes(1 << 16)] * 1600]

    async def receive():
        asked.append(1)
        return {"type": "http.request", "body": pieces[len(asked) - 1], "more_body": len(asked) < len(pieces)}

    async def send(message):
        sent.append((message, len(asked)))

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    headers += [(b"content-length", str(100 << 20).encode())] if announced else []
    scope = {"type": "http", "method": "POST", "path": "/api/analyse", "headers": headers, "query_string": b""}
    asyncio.run(app(scope | {"http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send))
    answer, read = sent[0]
    assert answer["status"] == 413
    assert read == 0 if announced else 16 <= read <= 19


@pytest.mark.parametrize("announced", [True, False])
def test_who_sends_too_much_over_the_network_reads_why(address, announced):
    """Though it is refused while it is still being sent, and none of the sender's pieces is waited for."""
    boundary = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    length = {"Content-Length": str((23 << 20) + len(boundary))} if announced else {}
    pieces = (boundary if n == 0 else bytes(1 << 20) for n in range(24))
    headers = {"Content-Type": "multipart/form-data; boundary=x"} | length
    answer = httpx.post(f"{address}/api/analyse", content=pieces, headers=headers, timeout=20)
    assert "at most 2 MiB is allowed" in problem(answer, 413)
    assert answer.headers["connection"] == "close"


def test_what_unpacks_to_much_is_not_unpacked():
    """A minute of eight channels, 92 MB of samples in a small file, takes what the allowed second takes."""
    content = open_ended_flac(60, 48_000, 8)
    assert len(content) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(Refusal, match="at most 1 s is allowed"):
            decode(content, 1.0)
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


class Slow:
    """A model that answers once it may."""

    about, sample_rate = "patience", 8000

    def __init__(self) -> None:
        self.may, self.asked = threading.Event(), threading.Semaphore(0)

    def analyse(self, samples):
        self.asked.release()
        assert self.may.wait(20)
        return [Finding(self.about, "yes", 1.0)]


def post_in_background(client, answers: list) -> threading.Thread:
    thread = threading.Thread(target=lambda: answers.append(client.post("/api/analyse", files={"file": SOUND})))
    thread.start()
    return thread


def until(true, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_full_queue_refuses_and_says_when_to_come_back():
    slow, answers = Slow(), []
    with TestClient(application(Analysers({"slow": slow}), Limits(places=2))) as client:
        threads = [post_in_background(client, answers) for _ in range(2)]
        until(lambda: client.get("/health").json()["waiting"] == 2)
        refused = client.post("/api/analyse", files={"file": SOUND})
        assert "2 recordings are being worked on" in problem(refused, 503)
        assert int(refused.headers["retry-after"]) >= 1
        slow.may.set()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [200, 200]
        assert client.post("/api/analyse", files={"file": SOUND}).status_code == 200


def test_the_time_limit_ends_waiting_and_the_place_is_free_once_the_work_ends():
    slow, answers = Slow(), []
    limits = Limits(places=3, time_limit_s=0.5)
    with TestClient(application(Analysers({"slow": slow, "never": slow}), limits)) as client:
        threads = [post_in_background(client, answers) for _ in range(2)]
        for thread in threads:
            thread.join()
        assert all("no answer within 0.5 s" in problem(answer, 504) for answer in answers)
        until(lambda: client.get("/health").json()["waiting"] == 1)  # one waited and is gone, one cannot be stopped
        slow.may.set()
        until(lambda: client.get("/health").json()["waiting"] == 0)
        assert slow.asked.acquire(blocking=False) and not slow.asked.acquire(blocking=False)  # "never" is not asked


class Broken:
    about, sample_rate = "nothing", 8000

    def analyse(self, samples):
        raise RuntimeError("secret /home/somebody")


def test_a_failure_inside_is_not_told():
    app = application(Analysers({"broken": Broken()}), Limits())
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.post("/api/analyse", files={"file": SOUND})
        assert problem(answer, 500) == "the analysis failed"
        assert "secret" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert client.get("/health").json()["waiting"] == 0
