"""Programs get from the server what the models say of a recording, whatever its format."""

import base64
import io
import math
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
from PIL import Image

import asr
from asr.errors import UserError
from asr.serve.analysis import Analysers, load_analysers
from asr.serve.findings import Finding, Part, analyser_of
from tests.serve.small_models import MOODS
from tests.serve.sounds import RATE, chirp, encoded, webm

FORMATS = {
    "WAV": encoded(chirp()),
    "FLAC": encoded(chirp(), format="FLAC"),
    "OGG": encoded(chirp(), format="OGG", subtype="VORBIS"),
    "MP3": encoded(chirp(), format="MP3"),
    "WEBM": webm(chirp(rate=48_000)),
}


OPUS = encoded(chirp(rate=48_000), 48_000, format="OGG", subtype="OPUS")  # what the WebM file holds


def by_label(finding: dict) -> dict[str, float]:
    return {choice["label"]: choice["probability"] for choice in finding["choices"]}


def send(client, content: bytes, name: str = "recording"):
    return client.post("/api/analyse", files={"file": (name, content)})


def test_right_values_from_every_model(client, folders, tmp_path):
    """As `asr.load(folder)` finds them in the file."""
    path = tmp_path / "a.wav"
    path.write_bytes(FORMATS["WAV"])
    found = send(client, FORMATS["WAV"]).json()
    text, mood, speaker = found["findings"]
    (transcript,) = asr.load(folders[0]).transcribe([path])
    assert (text["about"], text["value"], text["model"]) == ("text", transcript.text, "words")
    words = [(word.text, word.start, word.end, word.confidence) for word in transcript.words]
    assert [(part["text"], part["start"], part["end"], part["confidence"]) for part in text["parts"]] == words
    (classified,) = asr.load(folders[1]).classify([path])
    assert (mood["about"], mood["value"], mood["model"]) == ("emotion", classified.label, "moods")
    assert by_label(mood) == classified.probabilities
    assert mood["confidence"] == mood["choices"][0]["probability"] == classified.confidence
    assert (speaker["about"], speaker["model"], len(speaker["choices"])) == ("speaker", "voices", 9)
    assert sum(each["probability"] for each in speaker["choices"]) == pytest.approx(1, abs=1e-3)
    assert found["recording"] == {"seconds": 1.0, "sample_rate": RATE, "channels": 1, "format": "WAV"}


def test_below_the_least_probability_a_label_is_uncertain(folders):
    """The probabilities are told as ever, and so is text."""
    (text, mood, speaker), unsure = (
        load_analysers(folders, least)(FORMATS["WAV"], 10, math.inf).findings for least in (None, 1.0)
    )
    assert [each.value for each in unsure] == [text.value, "uncertain", "uncertain"]
    assert [each.choices for each in unsure] == [[], mood.choices, speaker.choices]
    assert unsure[1].confidence == mood.confidence and mood.value == mood.choices[0].label
    with pytest.raises(UserError, match="--least-probability=40: give a probability"):
        load_analysers(folders, 40)


@pytest.mark.parametrize("format", FORMATS)
def test_formats(client, format):
    answer = send(client, FORMATS[format])
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["recording"]["format"] == format
    assert found["recording"]["seconds"] == pytest.approx(1, abs=0.1)
    like = OPUS if format == "WEBM" else FORMATS["WAV"]
    expected = by_label(send(client, like).json()["findings"][1])
    assert by_label(found["findings"][1]) == pytest.approx(expected, abs=0.1)


def test_the_spectrogram_shows_where_the_sound_is(client):
    silence_then_tone = np.concatenate([np.full(RATE, 1e-4), chirp(1, 3000, 3000)])
    address = send(client, encoded(silence_then_tone)).json()["spectrogram"]
    head, _, content = address.partition(",")
    assert head == "data:image/webp;base64"
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("L"), dtype=float)
    assert picture.shape[1] == pytest.approx(100, abs=2)  # 20 ms a column
    assert picture[:, 60:].max(0).mean() > 200 > picture[:, 10:40].max(0).mean()


def test_sixteen_at_once_get_each_their_own(client, folders, tmp_path):
    recordings = [encoded(chirp(0.4 + 0.05 * n, 150 * (n + 1), 300 * (n + 1))) for n in range(16)]
    paths = [tmp_path / f"{n}.wav" for n in range(16)]
    for path, content in zip(paths, recordings, strict=True):
        path.write_bytes(content)
    expected = [each.probabilities for each in asr.load(folders[1]).classify(paths)]
    assert len({tuple(each.values()) for each in expected}) == 16
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda content: send(client, content), recordings))
    assert [answer.status_code for answer in answers] == [200] * 16
    assert [by_label(answer.json()["findings"][1]) for answer in answers] == expected
    assert client.get("/health").json() == {"status": "ok", "waiting": 0, "places": 16}


def test_models_and_limits(client):
    found = client.get("/api/models").json()
    assert [(each["name"], each["about"]) for each in found["models"]] == [
        ("words", "text"),
        ("moods", "emotion"),
        ("voices", "speaker"),
    ]
    assert [each["labels"] for each in found["models"]][:2] == [[], MOODS]
    assert (found["most_seconds"], found["most_mib"]) == (10, 2)


def test_the_description_says_what_is_sent_and_what_comes_back(client):
    described = client.get("/api/openapi.json").json()
    analyse = described["paths"]["/api/analyse"]["post"]
    form = analyse["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["file"] and form["properties"]["file"]["format"] == "binary"
    assert {"200", "400", "408", "413", "415", "422", "503", "504"} <= analyse["responses"].keys()
    assert set(described["components"]["schemas"]["Finding"]["properties"]) >= {"about", "value", "choices", "parts"}
    assert list(described["paths"]) == ["/api/analyse", "/api/models", "/health"]


PAGES = ("/", "/api", "/serve.js", "/serve.css", "/report.css", "/recorder.js", "/microphone.js")


@pytest.mark.parametrize("path", PAGES)
def test_nothing_comes_from_other_hosts(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    addresses = re.findall(r"https?://[\w.]+", answer.text)
    assert set(addresses) <= {"http://localhost", "http://www.w3.org"}


@pytest.mark.parametrize("path", ["/", "/api/models", "/nothing", "/serve.js"])
def test_every_answer_has_the_safe_headers(client, path):
    headers = client.get(path).headers
    assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_nothing_is_written_to_the_disk(client, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a file is opened")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", refuse)
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    noise = 0.1 * np.random.default_rng(0).standard_normal(9 * RATE * 2)
    content = encoded(noise, RATE * 2, subtype="PCM_24")
    assert len(content) > 1 << 19
    assert send(client, content).status_code == 200


class Turns:
    """A further kind of model: who speaks when."""

    about, sample_rate = "turns", 8000

    def analyse(self, samples):
        return [Finding(self.about, "2 speakers", None, parts=[Part("one", 0.0, len(samples) / 8000, 0.9)])]


def test_a_further_kind_of_model_plugs_in():
    analysis = Analysers({"mine": Turns()})(FORMATS["WAV"], 10, float("inf"))
    assert analysis.findings == [Finding("turns", "2 speakers", None, parts=[Part("one", 0.0, 1.0, 0.9)], model="mine")]


def test_models_of_one_name_are_told_apart(folders):
    assert list(load_analysers([folders[1], folders[1]]).by_name) == ["moods", "moods (2)"]


def test_a_model_without_text_or_labels_is_named():
    with pytest.raises(UserError, match="runs/a: a dict gives neither text nor labels"):
        analyser_of({}, "runs/a")


def test_libsndfile_reads_what_the_formats_need():
    assert {"WAV", "FLAC", "OGG", "MP3"} <= soundfile.available_formats().keys()
