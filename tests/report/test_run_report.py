import base64
import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch

from asr.report.clips import Pictures, picture_of, sound_of
from asr.report.plots import learning_curves
from asr.report.run import write_report
from asr.tasks.transcribe.report.clips import Clip
from asr.tasks.transcribe.report.presentation import TranscriptPresentation
from asr.tasks.transcribe.scoring.confusions import align_words, count_confusions
from asr.tasks.transcribe.scoring.wer import score
from asr.tasks.transcribe.timing.words import Word

PRESENTATION = TranscriptPresentation()
HOSTILE = "<script>alert('x')</script>"
KNOWN = {"loudness_db": -21.3, "about": {"gender": "<f>"}}
CURVES = [("▁", 4, "0z0"), ("<i>", 8, "hz"), ("ש", 12, "k")]
CONFIG = """
features: {_target_: asr.model.features.LogMel, mel_bins: 80}
tokenizer: {_target_: asr.tasks.transcribe.text.characters.CharacterTokenizer.train, _partial_: true}
encoder:
  {_target_: asr.model.encoders.conformer.Conformer, dim: 144, layers: 4, subsampling: {_target_: asr.Subsampling}}
data: {source: null}
"""


def write_lines(path: Path, records: list[dict]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def clip(seconds: float = 1.5) -> Clip:
    samples = 0.1 * np.random.default_rng(0).standard_normal(int(16_000 * seconds)).astype(np.float32)
    words = [Word("nine", 0.2, 0.6, 0.9), Word(HOSTILE, 0.7, 1.0, 0.5)]
    return Clip(
        *sound_of(samples, 16_000),
        picture_of(np.random.default_rng(0).random((75, 64))),
        seconds,
        0.04,
        words,
        words[:1],
        CURVES,
    )


@pytest.fixture
def run_dir(tmp_path):
    """A finished run, as its files."""
    folder = tmp_path / "conformer-<b>"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.safetensors").write_bytes(bytes(3 << 20))
    references = ["one two three", f"four {HOSTILE}", "seven eight", "nine"] * 5
    hypotheses = ["one too three", "four", "seven eight nine", "nine"] * 5
    speakers = [f"speaker{i // 5}" for i in range(20)]
    scores = score(references, hypotheses, speakers)
    train = {"seconds": 3725, "epochs": 12, "audio_seconds_per_second": 812.4, "peak_memory_mib": 2048.0}
    metrics = {"test": scores.as_dict(), "dev": scores.as_dict(), "train": train | {"parameters": 1_234_567}}
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    columns = zip(references, hypotheses, speakers, strict=True)
    records = [
        {
            "id": f"u{i}",
            "reference": r,
            "hypothesis": h,
            "wer": 0.0,
            "duration": 1.5,
            "speaker": s,
            "split": "test",
            **KNOWN,
        }
        for i, (r, h, s) in enumerate(columns)
    ]
    write_lines(folder / "hypotheses.jsonl", records)
    curve = ("train_loss", "dev_loss", "dev_wer", "dev_cer", "learning_rate")
    write_lines(folder / "history.jsonl", [{"step": 10 * i} | dict.fromkeys(curve, 1 / (i + 1)) for i in range(9)])
    reject = {"id": "bad1", "split": "train", "audio": "bad1.wav", "reason": "silent", "detail": HOSTILE}
    write_lines(folder / "rejected.jsonl", [reject | {"remedy": "record it again"}])
    return folder


class Resources(HTMLParser):
    """Collects tags, and every attribute by which a page could fetch or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.fetched: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data", "poster", "action"):
                self.fetched.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)


def test_report_holds_the_numbers(run_dir):
    path = write_report(run_dir, PRESENTATION)
    html = path.read_text(encoding="utf-8")
    assert path == run_dir / "report.html"
    for expected in ("37.5 %", "WER on test", "WER on dev", "4 speakers (test)", "1\u202f234\u202f567", "1 h 02 min"):
        assert expected in html
    for expected in (
        "812 s of audio",
        "2\u202f048 MiB",
        "3.0 MiB",
        "LogMel(mel_bins=80)",
        "CharacterTokenizer",
        "two → too",
    ):
        assert expected in html
    assert "Conformer(dim=144, layers=4, subsampling=Subsampling)" in html
    for expected in ("speaker3", "record it again", "Error rates on dev", "Utterances (test)", "speaker <bdi>speaker0"):
        assert expected in html


def test_report_is_escaped_and_loads_nothing(run_dir):
    html = write_report(run_dir, PRESENTATION, {"u1": clip()}).read_text(encoding="utf-8")
    resources = Resources()
    resources.feed(html)
    assert HOSTILE not in html and "&lt;script&gt;" in html and "\\u003cscript>" in html
    assert not resources.tags & {"iframe", "link", "object", "embed", "i"} and not resources.handlers
    assert {"audio", "svg", "img"} <= resources.tags
    assert all(value.startswith(("data:", "#")) for value in resources.fetched)
    assert all(value.startswith("#") for value in re.findall(r"url\(['\"]?([^)]*)", html))
    assert "@import" not in html


def test_only_the_pages_own_script_may_run(run_dir):
    html = write_report(run_dir, PRESENTATION, {"u1": clip()}).read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'") and "unsafe-eval" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert [base64.b64encode(sha256(each.encode()).digest()).decode() for each in scripts] == re.findall(
        r"sha256-([^']*)", policy
    )
    data = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    assert [json.loads(each)["curves"] for each in data] == [[list(curve) for curve in CURVES]]


def test_the_worst_come_first_and_those_without_sound_say_so(run_dir):
    html = write_report(run_dir, PRESENTATION, {"u2": clip(), "u1": clip()}).read_text(encoding="utf-8")
    rows = re.findall(r'<details class="utterance" data-id="(u\d+)"', html)
    assert len(rows) == 20 and rows[:5] == ["u1", "u2", "u5", "u6", "u9"] and html.count("<audio") == 2
    assert "2 of them can be heard" in html and html.count("Not among those that can be heard here") == 18
    assert html.count("loudness -21 dB · gender &lt;f&gt;") == 20


def test_parts_of_the_set_are_bars_with_intervals(run_dir):
    metrics = json.loads((run_dir / "metrics.json").read_text())
    cells = [{"value": "<f>", "utterances": 10, "words": 55, "wer": 0.4, "wer_ci95": [0.3, 0.5]}]
    metrics["test"] |= {
        "breakdown": {"gender": cells, "loudness": [], "age": None, "snr": [{"value": "1–2", "wer": 0.1}, 3]},
        "rare_words": [{"seen": "0", "words": 120, "recall": 0.3}],
        "normalization": "lower case, no punctuation",
        "real_time_factor": 0.0125,
        "calibration": {"ece": 0.03, "bins": [{"confidence": 0.2, "accuracy": 0.3, "words": 10}, {"confidence": None}]},
    }
    (run_dir / "metrics.json").write_text(json.dumps(metrics))
    swapped = [{"reference": "<e>", "hypothesis": "a", "count": 7}]
    (run_dir / "errors.json").write_text(json.dumps({"test": {"characters": {"substitutions": swapped}}}))
    html = write_report(run_dir, PRESENTATION).read_text(encoding="utf-8")
    for expected in (
        "&lt;e&gt; → a",
        "Where it errs (test)",
        "Gender",
        "&lt;f&gt;",
        "left:60.0%;width:40.0%",
        "30.0 – 50.0 %",
    ):
        assert expected in html
    for expected in ("Signal-to-noise ratio", "training transcripts hold them", "lower case, no", "0.0125 s a second"):
        assert expected in html
    assert "Expected calibration error 0.030" in html
    assert "Loudness" not in html and "Age" not in html


def test_an_evaluation_says_which_run_it_is_of(run_dir):
    out = run_dir / "evaluation" / "noisy-test"
    out.mkdir(parents=True)
    for name in ("hypotheses.jsonl", "metrics.json"):
        (run_dir / name).rename(out / name)
    (out / "evaluation.yaml").write_text(
        f"run: {run_dir}\nsource: noisy\nsplit: test\n"
        "decoder: {_target_: asr.tasks.transcribe.decode.beam.BeamDecoder, beam: 7}\n"
    )
    html = write_report(out, PRESENTATION).read_text(encoding="utf-8")
    assert "37.5 %" in html and "noisy" in html and "BeamDecoder(beam=7)" in html
    assert "LogMel(mel_bins=80)" in html and "Error rates on dev" in html
    moved = run_dir.rename(run_dir.with_name("moved"))
    assert "LogMel(mel_bins=80)" in write_report(moved / "evaluation" / "noisy-test", PRESENTATION).read_text(
        encoding="utf-8"
    )


def test_a_thousand_utterances_of_four_seconds_stay_below_twenty_megabytes(run_dir):
    text = "a sentence of nine words that somebody has said"
    records = [
        {"id": f"u{i}", "reference": text, "hypothesis": text.replace("nine", "mine"), "duration": 4.0, "wer": 0.1}
        for i in range(1000)
    ]
    write_lines(run_dir / "hypotheses.jsonl", records)
    words = [Word(word, 0.41 * i, 0.41 * i + 0.25, 0.98) for i, word in enumerate(text.split())]
    curves = [(letter, 2 * i, "1hz5") for i, letter in enumerate(text)]
    noise = 0.1 * np.random.default_rng(0).standard_normal((20, 64_000)).astype(np.float32)  # hardest to compress
    pictures = Pictures(16_000)(torch.from_numpy(noise), torch.full((20,), 64_000))
    made = [
        Clip(*sound_of(samples, 16_000), picture, 4.0, 0.04, words, words, curves)
        for samples, picture in zip(noise, pictures, strict=True)
    ]
    path = write_report(run_dir, PRESENTATION, {f"u{i}": made[i % 20] for i in range(1000)})
    assert 10e6 < path.stat().st_size < 20e6


FILES = ["config.yaml", "metrics.json", "hypotheses.jsonl", "history.jsonl", "rejected.jsonl"]


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_leaves_its_part_out(run_dir, missing):
    (run_dir / missing).unlink()
    html = write_report(run_dir, PRESENTATION).read_text(encoding="utf-8")
    assert ("no scores yet" in html) == (missing == "metrics.json")
    assert ("Learning curves" in html) == (missing != "history.jsonl")
    assert ("Rejected utterances" in html) == (missing != "rejected.jsonl")


@pytest.mark.parametrize("broken", FILES)
@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[]\n[1]", b'"text"', b"null", b"{}", b""])
def test_a_broken_file_is_tolerated(run_dir, broken, content):
    (run_dir / broken).write_bytes(content)
    html = write_report(run_dir, PRESENTATION).read_text(encoding="utf-8")
    assert (broken in html) >= (content == b"{" or content.startswith(b"\xff"))


def test_an_empty_folder_and_an_interrupted_run(tmp_path):
    assert "no scores yet" in write_report(tmp_path, PRESENTATION).read_text(encoding="utf-8")
    lines = '{"step": 10, "dev_wer": 0.5}\n{"step": 20, "dev_wer": 0.25}\n{"step": 30, "dev_wer": NaN}\n{"st'
    (tmp_path / "history.jsonl").write_text(lines)
    html = write_report(tmp_path, PRESENTATION).read_text(encoding="utf-8")
    assert "25.0 % on dev, at step 20" in html and "1 line" in html


def test_numbers_that_are_none(run_dir):
    nothing = dict.fromkeys(("wer", "cer", "seconds", "epochs", "peak_memory_mib", "wer_ci95"), float("nan"))
    (run_dir / "metrics.json").write_text(json.dumps({"test": nothing, "train": nothing}))
    (run_dir / "history.jsonl").write_text(json.dumps({"step": None, "dev_wer": float("nan")}))
    html = re.sub(
        r"<(style|script)>.*?</\1>", "", write_report(run_dir, PRESENTATION).read_text("utf-8"), flags=re.DOTALL
    )
    assert "nan" not in html


def test_report_is_deterministic(run_dir):
    first = write_report(run_dir, PRESENTATION, {"u1": clip()}).read_bytes()
    assert write_report(run_dir, PRESENTATION, {"u1": clip()}).read_bytes() == first


def test_learning_curves_skip_what_was_not_recorded():
    assert learning_curves([], PRESENTATION.rates) == {}
    history = [{"step": 1, "train_loss": 2.0, "dev_wer": None}, {"step": 2, "train_loss": float("nan")}]
    assert list(learning_curves(history, PRESENTATION.rates)) == ["Loss"]


def test_confusions():
    alignments = align_words(["a b c", "a b c", "x"], ["a d c", "a c", "x y"])
    confusions = count_confusions(alignments)
    assert confusions.substitutions == {("b", "d"): 1}
    assert confusions.deletions == {"b": 1} and confusions.insertions == {"y": 1}
    assert align_words([], []) == []
