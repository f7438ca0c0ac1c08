"""Several runs on one page."""

import json
import re

import pytest
from typer.testing import CliRunner

from asr.cli import app
from asr.errors import UserError
from asr.report.comparison import names_of, write_comparison
from asr.tasks.transcribe.report.presentation import TranscriptPresentation
from asr.tasks.transcribe.scoring.wer import score
from tests.report.browser import CHROMIUM, browser

PRESENTATION = TranscriptPresentation()
REFERENCES = {"u1": "one two three", "u2": "four <b>five</b>", "u3": "six seven", "u4": "שמונה"}


def make_run(folder, hypotheses: dict[str, str], split: str = "test", lr: float = 0.1, references=REFERENCES):
    folder.mkdir(parents=True)
    scores = score(list(references.values()), list(hypotheses.values()))
    train = {"parameters": 1_234_567, "seconds": 600, "audio_seconds_per_second": 99.6, "epochs": 3}
    (folder / "metrics.json").write_text(json.dumps({split: scores.as_dict(), "train": train}))
    (folder / "config.yaml").write_text(f"optimizer: {{lr: {lr}, momentum: 0.9}}\nrun_dir: {folder}\n")
    lines = [
        {"id": name, "split": split, "reference": text, "hypothesis": hypotheses[name], "duration": 2.0}
        for name, text in references.items()
    ]
    (folder / "hypotheses.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    history = [{"step": i, "seconds": 60 * i, "dev_wer": 1 / i, "dev_loss": 2 / i} for i in range(1, 5)]
    (folder / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in history))
    return folder


@pytest.fixture
def runs(tmp_path):
    good = make_run(tmp_path / "a" / "small", REFERENCES | {"u1": "one two free"})
    bad = make_run(tmp_path / "b" / "large", REFERENCES | {"u1": "two <i> four", "u4": ""}, lr=0.2)
    return [bad, good]


def test_the_page_holds_what_is_asked_of_it(runs, tmp_path):
    html = write_comparison(runs, tmp_path / "page.html", PRESENTATION).read_text("utf-8")
    table = html[html.index("<table") : html.index("</table>")]
    assert table.index("small") < table.index("large")  # best first
    for expected in (
        "12.5 %",
        "50.0 %",
        "1\u202f234\u202f567",
        "10 min 00 s",
        '<td class="number" dir="auto">100</td>',
    ):
        assert expected in table
    assert "Is small better, or luckier?" in html and ">+37.5<" in html
    assert "WER on dev, over time" in html and "Loss in training" not in html
    keys = re.findall(
        r'<tr><td dir="auto">([^<]*)</td><td dir="auto">([^<]*)</td><td dir="auto">([^<]*)</td></tr>', html
    )
    assert keys == [("optimizer.lr", "0.2", "0.1")]
    assert re.findall(r'data-id="([^"]+)"', html) == ["u1", "u4"]  # heard alike otherwise
    assert "two <mark>&lt;i&gt;</mark>" in html or "<mark>&lt;i&gt;</mark>" in html
    assert "<i>" not in html.replace("<i style", "") and "different sets" not in html


def test_other_sets_are_told_and_what_they_share_is_shown(runs, tmp_path):
    fewer = {name: text for name, text in REFERENCES.items() if name != "u2"}
    third = make_run(tmp_path / "third", fewer, references=fewer)
    html = write_comparison([*runs, third], tmp_path / "page.html", PRESENTATION).read_text("utf-8")
    assert "scored on different sets (large: 4, small: 4, third: 3 utterances; all share 3" in html
    assert "better, or luckier" not in html  # the best heard other utterances than the others


def test_names_are_as_long_as_they_have_to_be(tmp_path):
    assert names_of([tmp_path / "x", tmp_path / "y"]) == ["x", "y"]
    assert names_of([tmp_path / "a" / "x", tmp_path / "b" / "x"]) == ["a/x", "b/x"]
    assert names_of([tmp_path / "x", tmp_path / "x"]) == ["x (1)", "x (2)"]


def test_what_cannot_be_compared_is_named(runs, tmp_path):
    (tmp_path / "empty").mkdir()
    dev = make_run(tmp_path / "dev", REFERENCES, split="dev")
    for folders, message in (
        (runs[:1], "two runs or more"),
        ([*runs, tmp_path / "none"], "none: no such folder"),
        ([*runs, tmp_path / "empty"], "empty: no scores"),
        ([*runs, dev], "no split in common .*dev: dev"),
    ):
        with pytest.raises(UserError, match=message):
            write_comparison(folders, tmp_path / "page.html", PRESENTATION)
    found = CliRunner().invoke(
        app, ["compare", str(runs[0]), str(tmp_path / "empty"), "--out", str(tmp_path / "x.html")]
    )
    assert found.exit_code == 2 and not (tmp_path / "x.html").exists()


def test_the_command(runs, tmp_path):
    found = CliRunner().invoke(app, ["compare", *map(str, runs), "--out", str(tmp_path / "x.html")])
    assert found.exit_code == 0 and (tmp_path / "x.html").is_file() and "x.html" in found.stdout


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on the PATH")
def test_it_works_in_a_browser(runs, tmp_path):
    path = write_comparison(runs, tmp_path / "page.html", PRESENTATION)
    with browser(tmp_path / "profile") as tab:
        tab.open(path)
        tab.until("document.getElementById('told').textContent === '2 of 2 utterances'")
        tab.run("document.getElementById('filters').search.value = 'שמו'")
        tab.run("document.getElementById('filters').dispatchEvent(new Event('input'))")
        tab.until("document.getElementById('told').textContent === '1 of 2 utterances'")
        tab.look_like(375, "dark")
        assert tab.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert tab.errors == [] and [url for url in tab.requests if not url.startswith("file:")] == []
