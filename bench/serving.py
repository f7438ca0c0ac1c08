"""How long `asr serve` takes for a recording: one client, then many at once; prints a line of JSON.

    python -m bench.serving --model RUN_DIR/model [--model …] [--clients 16]

The recordings are made up: tones in noise, 16 kHz, 16 bit, each another. Times are from the first byte sent to the last
one received, over loopback, with the server in a process of its own.
"""

import argparse
import http.client
import io
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import numpy as np
import soundfile

RATE = 16000
BOUNDARY = "recording"
WARM_UP = 5  # requests, not counted


def recording(seconds: float, seed: int) -> bytes:
    """A WAV file of a tone in noise."""
    draw, times = np.random.default_rng(seed), np.arange(int(seconds * RATE)) / RATE
    samples = 0.2 * np.sin(2 * np.pi * draw.uniform(100, 1000) * times) + draw.normal(0, 0.02, len(times))
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def ask(address: str, content: bytes) -> float:
    """Seconds that an answer takes; RuntimeError where it is a refusal."""
    place = urlsplit(address)
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'.encode()
        + content
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )
    begun = time.perf_counter()
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=120)
    connection.request("POST", "/api/analyse", body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
    answer = connection.getresponse()
    found = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {found[:200]!r}")
    return time.perf_counter() - begun


def measure(address: str, recordings: Sequence[bytes], clients: int) -> dict[str, float]:
    """Latencies in milliseconds, and recordings a second, with so many clients that ask without a pause."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        taken = list(pool.map(lambda content: ask(address, content), recordings))
    p50, p95 = np.quantile(taken, [0.5, 0.95])
    rate = len(taken) / (time.perf_counter() - begun)
    return {"p50_ms": round(1000 * p50, 1), "p95_ms": round(1000 * p95, 1), "recordings_a_second": round(rate, 1)}


def start(models: Sequence[str]) -> tuple[subprocess.Popen, str]:
    """`asr serve` at a free port, and its address once it answers."""
    options = [word for model in models for word in ("--model", model)]
    command = [sys.executable, "-m", "asr.cli", "serve", *options, "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert server.stdout is not None
    for line in server.stdout:
        if "http://" in line:
            return server, "http://" + line.partition("http://")[2].split()[0]
    raise RuntimeError("asr serve ended before it answered")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=5.0)
    chosen = parser.parse_args()
    recordings = [recording(chosen.seconds, seed) for seed in range(chosen.requests)]
    server, address = start(chosen.model)
    try:
        for content in recordings[:WARM_UP]:
            ask(address, content)
        alone, together = (measure(address, recordings, clients) for clients in (1, chosen.clients))
    finally:
        server.terminate()
        server.wait()
    described = {"models": chosen.model, "seconds": chosen.seconds, "requests": chosen.requests}
    print(json.dumps(described | {"one_client": alone, f"{chosen.clients}_clients": together}))


if __name__ == "__main__":
    main()
