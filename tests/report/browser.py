"""A headless Chromium that opens a page from disk, through the DevTools protocol over a pipe."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
PATIENCE_S = 30.0


class Browser:
    """One tab: `open`, `run` (JavaScript), `picture`; and what went wrong or over the network meanwhile."""

    def __init__(self, to: int, back: int) -> None:
        self.to, self.back = to, back
        self.unread = b""
        self.number = 0
        self.session: str | None = None
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.loaded = False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict:
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.write(message)
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def write(self, message: dict) -> None:
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self.to, content) :]

    def read(self) -> dict:
        while b"\0" not in self.unread:
            assert select.select([self.back], [], [], PATIENCE_S)[0], "the browser does not answer"
            received = os.read(self.back, 1 << 20)
            assert received, "the browser has ended"
            self.unread += received
        content, _, self.unread = self.unread.partition(b"\0")
        message = json.loads(content)
        self.note(message.get("method", ""), message.get("params", {}))
        return message

    def note(self, method: str, values: dict) -> None:
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(values["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning", "assert"):
            self.errors.append(str(values["args"]))
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            self.errors.append(values["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded = True

    def open(self, path: Path) -> None:
        self.loaded = False
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not self.loaded:
            self.read()

    def run(self, expression: str) -> Any:
        """The value of an expression, awaited where it is a promise."""
        found = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait for an expression to be true."""
        end = time.monotonic() + PATIENCE_S
        while not self.run(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)

    def press(self, key: str, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **more)

    def look_like(self, width: int, scheme: str, height: int = 900) -> None:
        """Take on a width in pixels and a colour scheme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path: Path, whole: bool = False) -> None:
        found = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with an own profile, ended afterwards."""
    assert CHROMIUM
    theirs, to = os.pipe()
    back, from_them = os.pipe()
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}"]
    options += ["--remote-debugging-pipe", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
    # Chromium reads file descriptor 3 and writes to 4; those of a pipe may themselves be 3 and 4.
    start = "import os, sys; os.dup2(int(sys.argv[1]), 8); os.dup2(int(sys.argv[2]), 9);"
    start += "os.dup2(8, 3); os.dup2(9, 4); os.execv(sys.argv[3], sys.argv[3:])"
    command = [sys.executable, "-c", start, str(theirs), str(from_them), CHROMIUM, *options]
    process = subprocess.Popen(command, pass_fds=(theirs, from_them), stderr=subprocess.DEVNULL)
    os.close(theirs)
    os.close(from_them)
    try:
        yield Browser(to, back)
    finally:
        os.close(to)  # the browser ends with its pipe
        os.close(back)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
