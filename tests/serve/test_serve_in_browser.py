"""The page as a browser shows it: it records, sends, shows what is found, and takes hostile text for text."""

import base64
import json

import numpy as np
import pytest
import soundfile

from tests.report import browser as browsers
from tests.serve.small_models import MOODS
from tests.serve.sounds import chirp, encoded

pytestmark = pytest.mark.skipif(browsers.CHROMIUM is None, reason="no Chromium or Chrome on the PATH")

FAKE_MICROPHONE = "--use-fake-ui-for-media-stream --use-fake-device-for-media-stream --use-file-for-fake-audio-capture="
HIDDEN = "document.getElementById('{}').hidden"
NARROW, WIDE = 400, 1400


@pytest.fixture(scope="module")
def tab(address, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    spoken = folder / "spoken.wav"
    soundfile.write(spoken, np.tile(chirp(2.0, rate=48_000), 3), 48_000)
    with_microphone = folder / "chromium"
    with_microphone.write_text(f'#!/bin/sh\nexec "{browsers.CHROMIUM}" {FAKE_MICROPHONE}"{spoken}" "$@"\n')
    with_microphone.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(browsers, "CHROMIUM", str(with_microphone))
        with browsers.browser(folder / "profile") as opened:
            yield opened


@pytest.fixture(autouse=True)
def page(tab, address):
    tab.errors.clear()
    tab.call("Page.navigate", url=address)
    tab.until("document.readyState === 'complete'")
    tab.until("document.getElementById('hint')?.textContent.includes('up to 10 s and 2 MiB')")
    yield
    assert tab.errors == []
    elsewhere = [url for url in tab.requests if not url.startswith((address, "data:", "blob:"))]
    assert elsewhere == []


def drop(tab, content: bytes, name: str) -> None:
    """Let a file fall onto the page."""
    held = base64.b64encode(content).decode()
    tab.run(
        f"(() => {{ const bytes = Uint8Array.from(atob('{held}'), each => each.charCodeAt(0));"
        f" const dataTransfer = new DataTransfer(); dataTransfer.items.add(new File([bytes], {json.dumps(name)}));"
        " document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true })); })()"
    )


def texts(tab, selector: str) -> list[str]:
    return tab.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(each => each.textContent)")


def settled(tab) -> None:
    tab.until(f"!{HIDDEN.format('result')} || !{HIDDEN.format('problem')}")


def test_a_dropped_file_is_shown(tab, analysers):
    content = encoded(chirp())
    drop(tab, content, "<img src=x onerror=alert(1)>.wav")
    settled(tab)
    text, mood, speaker = analysers(content, 10, float("inf")).findings
    assert texts(tab, "#name") == ["<img src=x onerror=alert(1)>.wav"]
    assert texts(tab, "#facts") == ["1.00 s · 16 kHz · mono · WAV"]
    assert texts(tab, ".finding h3") == ["Textwords", "Emotionmoods", "Speakervoices"]
    assert texts(tab, ".finding:nth-child(1) .value") == [text.value]
    labels = texts(tab, ".finding:nth-child(2) li > span:first-child")
    assert labels == [each.label for each in mood.choices] and sorted(labels) == sorted(MOODS)
    widths = tab.run("[...document.querySelectorAll('.finding:nth-child(2) .bar')].map(each => each.style.width)")
    found = [float(width.removesuffix("%")) for width in widths]
    assert found == pytest.approx([100 * each.probability for each in mood.choices], abs=0.01)
    assert texts(tab, ".finding:nth-child(3) .value") == [speaker.value]
    assert texts(tab, ".finding:nth-child(3) summary") == ["3 more"]
    assert tab.run("document.querySelectorAll('main img').length") == 1  # the spectrogram
    tab.until("document.querySelector('.sight img').naturalWidth > 0")
    assert texts(tab, ".timeline .row button") == [part.text for part in text.parts]
    tab.run("document.querySelector('.sight').click()")
    tab.until("document.getElementById('sound').currentTime > 0")


def test_the_microphone_is_recorded_and_shown(tab):
    record = "document.getElementById('record')"
    tab.run(f"{record}.click()")
    tab.until("parseFloat(document.getElementById('state').textContent.split(': ')[1]) > 1.5")
    assert tab.run(f"{record}.textContent") == "Stop"
    level = tab.run("document.querySelector('#level div').style.transform")
    assert float(level[len("scaleX(") : -1]) > 0.05
    tab.run(f"{record}.click()")
    settled(tab)
    assert texts(tab, "#error") == [""]
    assert texts(tab, "#name") == ["Your recording"]
    (facts,) = texts(tab, "#facts")
    seconds = float(facts.split(" s")[0])
    assert 1.4 < seconds < 5 and facts.endswith("mono · WAV")
    assert len(texts(tab, ".finding")) == 3
    assert tab.run(f"{record}.textContent") == "Record" and not tab.run(f"{record}.disabled")


def test_what_the_browser_itself_records_is_understood(tab):
    """WebM with Opus, as MediaRecorder writes it, sent by a page of somebody else's making."""
    found = tab.run(
        "(async () => { const context = new AudioContext(); const tone = context.createOscillator();"
        " const into = context.createMediaStreamDestination(); tone.connect(into);"
        " tone.start();"
        " const recorder = new MediaRecorder(into.stream, { mimeType: 'audio/webm;codecs=opus' });"
        " const pieces = []; recorder.ondataavailable = (event) => pieces.push(event.data); recorder.start(200);"
        " await new Promise((done) => setTimeout(done, 1200));"
        " await new Promise((done) => { recorder.onstop = done; recorder.stop(); });"
        " const form = new FormData(); form.append('file', new Blob(pieces));"
        " return await (await fetch('/api/analyse', { method: 'POST', body: form })).json(); })()"
    )
    assert found["recording"]["format"] == "WEBM", found
    assert 0.8 < found["recording"]["seconds"] < 2
    assert len(found["findings"]) == 3


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"no sound" * 40, "not audio that can be decoded"),
        (encoded(np.zeros(16_000)), "nothing is heard"),
        (bytes(2 * (1 << 20) + 1), "a<b>.wav is too big; at most 2 MiB is allowed"),
    ],
)
def test_a_problem_is_shown_with_its_remedy(tab, content, error):
    drop(tab, content, "a<b>.wav")
    settled(tab)
    assert error in texts(tab, "#error")[0] and texts(tab, "#remedy")[0]
    assert tab.run(HIDDEN.format("result"))
    tab.errors[:] = [each for each in tab.errors if "Failed to load resource" not in each]  # the browser notes any 4xx


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "/api"])
def test_no_page_is_wider_than_its_screen(tab, address, width, scheme, path, tmp_path):
    tab.look_like(width, scheme)
    if path:
        tab.call("Page.navigate", url=address + path)
        tab.until("document.title === 'The API' && document.readyState === 'complete'")
    else:
        drop(tab, encoded(chirp(3.0)), "a-name-without-a-single-space-" * 4 + ".wav")
        settled(tab)
    assert tab.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    expected = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 30)"}[scheme]
    assert tab.run("getComputedStyle(document.body).backgroundColor") == expected
    tab.picture(tmp_path / "page.png", whole=True)


def test_every_control_has_a_name(tab):
    drop(tab, encoded(chirp()), "a.wav")
    settled(tab)
    tree = tab.call("Accessibility.getFullAXTree")["nodes"]
    controls = [node for node in tree if node.get("role", {}).get("value") in ("button", "DisclosureTriangle", "link")]
    assert len(controls) > 3
    assert [node for node in controls if not node.get("name", {}).get("value")] == []
