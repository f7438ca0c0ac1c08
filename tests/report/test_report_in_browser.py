"""The report as a browser shows it: everything plays, filters work, nothing is fetched, nothing is complained of."""

import base64
import json

import numpy as np
import pytest

from asr.report.clips import picture_of, sound_of
from asr.report.page import Section, page
from asr.tasks.transcribe.report.clips import Clip
from asr.tasks.transcribe.report.utterances import utterances
from asr.tasks.transcribe.scoring.confusions import align_words
from asr.tasks.transcribe.timing.words import Word
from tests.report.browser import CHROMIUM, browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on the PATH")

SPOKEN = [
    "<script>document.title='run'</script> b",
    "שלום עולם",
    "cafe\u0301 😀",
    *(f"sentence {i}" for i in range(77)),
]
SHOWN = "document.querySelectorAll('#utterances > details:not([hidden])')"


def record(place: int, text: str) -> dict:
    wrong = place % 4 == 0
    return {
        "id": f"utterance-{place}",
        "reference": text,
        "hypothesis": text + (" more" if wrong else ""),
        "speaker": f"<b>{place % 3}",
        "duration": 1.0 + place / 10,
        "confidence": place / 100,
    }


def made_clip(hertz: float) -> Clip:
    samples = 0.2 * np.sin(np.arange(16_000) * hertz * 2 * np.pi / 16_000).astype(np.float32)
    words = [Word("<i>first</i>", 0.1, 0.4, 0.9), Word("שני", 0.5, 0.8, 0.4)]
    curves = [("<b>", 3, "5z5"), ("😀", 13, "az")]
    return Clip(
        *sound_of(samples, 16_000),
        picture_of(np.random.default_rng(0).random((75, 64))),
        1.0,
        0.04,
        words,
        words,
        curves,
    )


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    records = [record(place, text) for place, text in enumerate(SPOKEN)]
    alignments = align_words([r["reference"] for r in records], [r["hypothesis"] for r in records])
    clips = {r["id"]: made_clip(200 + 10 * i) for i, r in enumerate(records[:40])}
    path = folder / "report.html"
    path.write_text(page("A report", [Section("Utterances", utterances(records, alignments, clips))]), encoding="utf-8")
    with browser(folder / "profile") as opened:
        opened.open(path)
        yield opened
        assert opened.errors == []
        assert [url for url in opened.requests if not url.startswith(("data:", "file:"))] == []
        assert sum(url.startswith("file:") for url in opened.requests) == 1


@pytest.fixture(autouse=True)
def unfiltered(tab):
    tab.run("document.getElementById('filters').reset()")
    tab.until("document.getElementById('told').textContent.startsWith('80 of 80')")


def fill(tab, name: str, value: str) -> None:
    tab.run(
        f"(() => {{ const field = document.getElementById('filters').elements[{json.dumps(name)}];"
        f" if (field.type === 'checkbox') field.checked = true; else field.value = {json.dumps(value)};"
        " field.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_hostile_text_is_text(tab):
    assert tab.run("document.title") == "A report"
    assert tab.run(f"{SHOWN}[0].querySelector('summary').textContent").count("<script>document.title") == 2
    assert tab.run("document.querySelectorAll('summary script, summary b b, button i, .piece b').length") == 0
    text = tab.run("document.getElementById('utterances').textContent")
    assert all(word in text for word in ("שלום", "cafe\u0301", "😀"))
    assert (
        tab.run(
            "getComputedStyle([...document.querySelectorAll('[dir=auto]')]"
            ".find(e => e.textContent.includes('שלום'))).direction"
        )
        == "rtl"
    )


def test_every_sound_plays(tab):
    durations = tab.run(
        "Promise.all([...document.querySelectorAll('audio')].map(audio => new Promise((resolve, reject) => {"
        " audio.addEventListener('canplay', () => resolve(audio.duration));"
        " audio.addEventListener('error', () => reject(audio.error.message));"
        " audio.preload = 'auto'; audio.load(); })))"
    )
    assert len(durations) == 40 and all(0.9 < seconds < 1.2 for seconds in durations)


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 44_100])
def test_a_sound_begins_where_it_did(tab, rate_hz):
    samples = np.zeros(2 * rate_hz, np.float32)
    samples[rate_hz // 2 :] = 0.3 * np.sin(np.arange(rate_hz + rate_hz // 2) * 2 * np.pi * 800 / rate_hz)
    encoded = base64.b64encode(sound_of(samples, rate_hz)[0]).decode()
    onset_s = tab.run(
        f"(async () => {{ const bytes = Uint8Array.from(atob('{encoded}'), each => each.charCodeAt(0));"
        " const heard = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(bytes.buffer);"
        " return heard.getChannelData(0).findIndex(each => Math.abs(each) > 0.1) / heard.sampleRate; })()"
    )
    assert abs(onset_s - 0.5) < 0.005


def test_an_opened_row_shows_times_words_and_posteriors(tab):
    row = f"{SHOWN}[0]"
    tab.run(f"{row}.querySelector('summary').click()")
    tab.until(f"{row}.querySelector('.timeline') !== null")
    labels = tab.run(f"[...{row}.querySelectorAll('.timeline button')].map(each => each.ariaLabel)")
    assert len(labels) == 4 and labels[0].startswith("<i>first</i>: 0.10 to 0.40 s, confidence 90 %")
    assert tab.run(f"[...{row}.querySelectorAll('.piece')].map(each => each.textContent)") == ["<b>", "😀"]
    assert tab.run(f"{row}.querySelectorAll('svg path').length") == 2
    tab.until(f"{row}.querySelector('img').complete && {row}.querySelector('img').naturalWidth > 0")
    assert tab.run(f"{row}.querySelector('img').naturalHeight") == 64
    tab.run(f"{row}.querySelectorAll('.timeline button')[1].click()")
    tab.until(f"{row}.querySelector('audio').currentTime >= 0.5")
    tab.until(f"!{row}.querySelector('.now').hidden")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("search", "SENTENCE 1", 11),
        ("search", "utterance-79", 1),
        ("search", "שלום", 1),
        ("search", "no such thing", 0),
        ("speaker", "<b>1", 27),
        ("wrong", "", 20),
        ("heard", "", 40),
        ("least", "8.05", 9),
        ("most", "1.15", 2),
    ],
)
def test_filters_and_what_is_announced(tab, name, value, expected):
    fill(tab, name, value)
    tab.until(f"document.getElementById('told').textContent.startsWith('{expected} of 80 utterances')")
    assert tab.run(f"{SHOWN}.length") == min(expected, 50)
    assert tab.run("document.getElementById('told').ariaLive") == "polite"


def test_the_rate_of_those_found_is_told(tab):
    fill(tab, "search", "sentence")
    tab.until("document.getElementById('told').textContent.includes('77 of 80 utterances, WER 12.3 %')")  # 19 of 154


@pytest.mark.parametrize(
    ("order", "first"),
    [("given", 0), ("errors", 0), ("longest", 79), ("shortest", 0), ("unsure", 0), ("id", 0), ("reversed", 79)],
)
def test_orders(tab, order, first):
    fill(tab, "order", order)
    tab.until(f"{SHOWN}[0].dataset.id === 'utterance-{first}'")


def test_more_are_shown_and_the_focus_goes_there(tab):
    tab.run("document.getElementById('more').click()")
    assert tab.run(f"{SHOWN}.length") == 80
    assert tab.run("document.getElementById('more').hidden")
    assert tab.run(f"document.activeElement === {SHOWN}[50].querySelector('summary')")


def test_keys(tab):
    tab.run(f"{SHOWN}[3].querySelector('summary').focus()")
    for key, place in (("j", 4), ("j", 5), ("k", 4)):
        tab.press(key, key)
        assert tab.run(f"document.activeElement === {SHOWN}[{place}].querySelector('summary')")
    tab.press("Enter", "\r")
    tab.until(f"{SHOWN}[4].open")


def test_every_control_has_a_name(tab):
    tree = tab.call("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "textbox", "searchbox", "combobox", "checkbox", "spinbutton", "DisclosureTriangle"}
    controls = [node for node in tree if node.get("role", {}).get("value") in roles]
    assert len(controls) > 50
    assert [node for node in controls if not node.get("name", {}).get("value")] == []


@pytest.mark.parametrize("width", [375, 800, 1400])
def test_no_page_is_wider_than_its_screen(tab, width):
    tab.look_like(width, "dark")
    tab.run(f"{SHOWN}[1].open = true")
    assert tab.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 30)"
