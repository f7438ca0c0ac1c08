import json
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from asr.evaluation.confusions import align_words, count_confusions
from asr.evaluation.plots import Example, figure_of_example, learning_curves
from asr.evaluation.report import write_report
from asr.evaluation.wer import score

HOSTILE = "<script>alert('x')</script>"
CONFIG = """
features: {_target_: asr.features.LogMel, mel_bins: 80}
tokenizer: {_target_: asr.text.characters.CharacterTokenizer.train, _partial_: true}
encoder: {_target_: asr.encoders.conformer.Conformer, dim: 144, layers: 4, subsampling: {_target_: asr.Subsampling}}
data: {source: null}
"""


def write_lines(path: Path, records: list[dict]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def example(duration_s: float = 2.0, sample_rate: int = 16_000) -> Example:
    random = np.random.default_rng(0)
    pieces = ["∅", "▁", "a", "$", "<i>", "ש", "世"]
    posteriors = np.full((50, len(pieces)), 0.01)
    posteriors[:, 0] = 0.9
    for i, frame in enumerate(range(4, 49, 7)):
        posteriors[frame] = np.eye(len(pieces))[i % len(pieces)]
    samples = 0.1 * random.standard_normal(int(duration_s * sample_rate)).astype(np.float32)
    spectrogram = random.standard_normal((200, 80)).astype(np.float32)
    return Example("clip-<1>", f"say {HOSTILE} now", "say it", samples, sample_rate, spectrogram, posteriors, pieces)


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
        {"id": f"u{i}", "reference": r, "hypothesis": h, "wer": 0.0, "duration": 1.5, "speaker": s, "split": "test"}
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
    path = write_report(run_dir)
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
    for expected in ("speaker3", "record it again", "Error rates on dev", "Worst utterances (test)", "u1 · speaker"):
        assert expected in html


def test_report_is_escaped_and_loads_nothing(run_dir):
    html = write_report(run_dir, [example()]).read_text(encoding="utf-8")
    resources = Resources()
    resources.feed(html)
    assert HOSTILE not in html and "&lt;script&gt;" in html
    assert not resources.tags & {"script", "iframe", "link", "object", "embed", "i"} and not resources.handlers
    assert "audio" in resources.tags and "svg" in resources.tags
    assert all(value.startswith(("data:", "#")) for value in resources.fetched)
    assert all(value.startswith("#") for value in re.findall(r"url\(['\"]?([^)]*)", html))
    assert "@import" not in html


def test_six_long_examples_stay_small(run_dir):
    assert write_report(run_dir, [example(duration_s=15.0)] * 6).stat().st_size < 3 << 20


FILES = ["config.yaml", "metrics.json", "hypotheses.jsonl", "history.jsonl", "rejected.jsonl"]


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_leaves_its_part_out(run_dir, missing):
    (run_dir / missing).unlink()
    html = write_report(run_dir).read_text(encoding="utf-8")
    assert ("no scores yet" in html) == (missing == "metrics.json")
    assert ("Learning curves" in html) == (missing != "history.jsonl")
    assert ("Rejected utterances" in html) == (missing != "rejected.jsonl")


@pytest.mark.parametrize("broken", FILES)
@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[]\n[1]", b'"text"', b"null", b"{}", b""])
def test_a_broken_file_is_tolerated(run_dir, broken, content):
    (run_dir / broken).write_bytes(content)
    html = write_report(run_dir).read_text(encoding="utf-8")
    assert (broken in html) >= (content == b"{" or content.startswith(b"\xff"))


def test_an_empty_folder_and_an_interrupted_run(tmp_path):
    assert "no scores yet" in write_report(tmp_path).read_text(encoding="utf-8")
    lines = '{"step": 10, "dev_wer": 0.5}\n{"step": 20, "dev_wer": 0.25}\n{"step": 30, "dev_wer": NaN}\n{"st'
    (tmp_path / "history.jsonl").write_text(lines)
    html = write_report(tmp_path).read_text(encoding="utf-8")
    assert "25.0 % on dev, at step 20" in html and "1 line" in html


def test_numbers_that_are_none(run_dir):
    nothing = dict.fromkeys(("wer", "cer", "seconds", "epochs", "peak_memory_mib", "wer_ci95"), float("nan"))
    (run_dir / "metrics.json").write_text(json.dumps({"test": nothing, "train": nothing}))
    (run_dir / "history.jsonl").write_text(json.dumps({"step": None, "dev_wer": float("nan")}))
    assert "nan" not in re.sub(r"<style>.*?</style>", "", write_report(run_dir).read_text(encoding="utf-8"))


def test_report_is_deterministic(run_dir):
    first = write_report(run_dir, [example()]).read_bytes()
    assert write_report(run_dir, [example()]).read_bytes() == first


def test_figure_of_example_names_the_peaks_and_shares_the_time_axis():
    figure = figure_of_example(example())
    above, below = figure.axes
    assert above.get_xlim() == below.get_xlim() == (0.0, 2.0)
    assert {text.get_text() for text in below.texts} == {"▁", "a", r"\$", "<i>", "ש", "世"}
    assert len(below.lines) == 7  # the blank and six tokens
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # glyphs that the font lacks
        figure.canvas.draw()


def test_figure_of_an_utterance_without_tokens_or_frames():
    silent = example()
    for frames in (0, 1, 20):
        posteriors = np.tile(np.eye(7)[:1], (frames, 1))
        figure = figure_of_example(
            Example("s", "a", "", silent.samples, 16_000, silent.spectrogram, posteriors, "∅" * 7)
        )
        assert not figure.axes[1].texts


def test_learning_curves_skip_what_was_not_recorded():
    assert learning_curves([]) == {}
    history = [{"step": 1, "train_loss": 2.0, "dev_wer": None}, {"step": 2, "train_loss": float("nan")}]
    assert list(learning_curves(history)) == ["Loss"]


def test_confusions():
    alignments = align_words(["a b c", "a b c", "x"], ["a d c", "a c", "x y"])
    confusions = count_confusions(alignments)
    assert confusions.substitutions == {("b", "d"): 1}
    assert confusions.deletions == {"b": 1} and confusions.insertions == {"y": 1}
    assert align_words([], []) == []
