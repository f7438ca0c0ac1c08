"""Pages of a task whose rates are better the higher they are, as its presentation describes it."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from asr.report.breakdown import confusion_matrix, rates_by
from asr.report.calibration import calibration
from asr.report.comparison import write_comparison
from asr.report.page import Section, page
from asr.report.run import write_report
from asr.report.sound import Sound
from asr.report.tables import Bars
from asr.report.utterances import UtteranceRow, choose_listed, facts_of, label_lines, utterance_rows
from asr.task import Rate
from tests.report.browser import CHROMIUM, browser

UAR, ACCURACY = Rate("uar", "UAR", higher_is_better=True), Rate("accuracy", "Accuracy", higher_is_better=True)
LABELS = ("angry", "<b>calm</b>")


class LabelPresentation:
    """Two labels, as asr.report.presentation.Presentation."""

    title = "emotion recognition"
    rates = (UAR, ACCURACY)
    counts = (("utterances", "Utterances"),)

    def sections(self, run, split: str, records: Sequence[Mapping], media: Mapping[str, Sound]) -> list[Section]:
        counts = [
            [sum((each["reference"], each["hypothesis"]) == (a, b) for each in records) for b in LABELS] for a in LABELS
        ]
        rows = [
            UtteranceRow(
                **facts_of(each),
                grade="right" if each["reference"] == each["hypothesis"] else "wrong",
                lines=label_lines(each["reference"], each["hypothesis"]),
                errors=int(each["reference"] != each["hypothesis"]),
                total=1,
                sound=media.get(each["id"]),
            )
            for each in records
        ]
        groups = run.metrics.get(split, {}).get("breakdown", {}).get("gender")
        return [
            Section("What was taken for what", confusion_matrix(LABELS, counts)),
            Section("By gender", rates_by(groups, UAR, {"utterances": "Utterances"})),
            Section("Utterances", utterance_rows(rows, "error rate")),
        ]

    def differing(self, names: Sequence[str], records: Sequence[Sequence[Mapping]]) -> Section | None:
        return None

    def compare(self, lines: Sequence[Mapping], others: Sequence[Mapping], seed: int) -> dict[str, Any] | None:
        return {"difference": -0.25, "difference_ci95": [-0.5, 0.0], "bootstrap_p": 0.04, "mcnemar": {"p": 0.2}}


@pytest.fixture
def runs(tmp_path):
    return [make_run(tmp_path / "worse", 0.5), make_run(tmp_path / "better", 0.75)]


def make_run(folder, uar: float):
    folder.mkdir()
    groups = [{"value": "female", "utterances": 3, "uar": 0.5, "uar_ci95": [0.25, 0.75]}]
    scores = {"uar": uar, "uar_ci95": [uar - 0.2, uar + 0.1], "accuracy": 0.6, "utterances": 4}
    units = {"interval_units": 4, "interval_over": "speakers", "breakdown": {"gender": groups}}
    (folder / "metrics.json").write_text(json.dumps({"test": scores | units}))
    pairs = [(LABELS[0], LABELS[0]), (LABELS[0], LABELS[1]), (LABELS[1], LABELS[1]), (LABELS[1], LABELS[1])]
    lines = [
        {"id": f"u{i}", "split": "test", "reference": a, "hypothesis": b, "duration": 1.0, "confidence": 0.9 - i / 10}
        for i, (a, b) in enumerate(pairs)
    ]
    (folder / "hypotheses.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    history = [
        {"step": i, "seconds": i, "dev_uar": value, "dev_accuracy": value} for i, value in enumerate((0.4, 0.8, 0.6))
    ]
    (folder / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in history))
    return folder


def test_a_run_report_is_about_the_rates_of_its_task(runs):
    html = write_report(runs[1], LabelPresentation()).read_text("utf-8")
    for expected in ("emotion recognition report", "UAR on test", "75.0 %", "Accuracy on test", "4 utterances"):
        assert expected in html
    assert "Rates on dev" in html and "hold the UAR with 95 % confidence: a bootstrap over 4 speakers" in html
    assert "too few to trust" in html
    assert not re.search(r"\b(WER|CER)\b", html)
    assert LABELS[1] not in html and "&lt;b&gt;calm" in html


def test_the_best_of_a_run_without_scores_is_the_highest(runs):
    (runs[1] / "metrics.json").unlink()
    assert "Its best UAR so far is 80.0 % on dev, at step 1 of 2." in write_report(
        runs[1], LabelPresentation()
    ).read_text("utf-8")


def test_a_comparison_ranks_the_highest_first_and_shows_every_test(runs, tmp_path):
    html = write_comparison(runs, tmp_path / "page.html", LabelPresentation()).read_text("utf-8")
    table = html[html.index("<table") : html.index("</table>")]
    assert table.index("better") < table.index("worse") and "0 – 100 %" in table
    assert "Is better better, or luckier?" in html and "More UAR, points" in html
    assert "p, MCNEMAR" in html and "-50.0 to +0.0" in html and "UAR on dev, over steps" in html


def test_scales_of_error_rates_end_with_the_largest_and_others_at_all():
    bars = [(0.2, (0.1, 0.3)), (0.1, None)]
    assert Bars.of(Rate("wer", "WER"), bars).end == pytest.approx(0.3)
    assert Bars.of(Rate("wer", "WER"), [(0.1, (0.0, 0.9))]).end == pytest.approx(0.25)
    assert Bars.of(Rate("wer", "WER"), [(0.0, None)]).end == Bars.of(UAR, bars).end == 1.0
    (length, whiskers), (_, none) = Bars.of(UAR, bars).percentages()
    assert length == pytest.approx(20) and whiskers == pytest.approx((10, 20)) and none is None


def test_a_confusion_matrix_has_counts_and_shares_of_its_rows():
    html = confusion_matrix(LABELS, [[3, 1], [0, 0]])
    assert "<caption>" in html and html.count('scope="row"') == 2 and html.count('scope="col"') == 4
    assert "--share:75.0%" in html and "--share:0.0%" in html and "&lt;b&gt;calm" in html
    assert confusion_matrix([], []) == ""


def test_groups_without_a_rate_are_left_out():
    groups = [{"value": "<f>", "utterances": 3, "uar": 0.5}, {"value": "m"}, 3, {"value": "x", "uar": None}]
    html = rates_by(groups, UAR, {"utterances": "Utterances"})
    assert "&lt;f&gt;" in html and html.count("<tr>") == 2 and "95 % interval" not in html
    assert rates_by(None, UAR, {}) == ""


def test_confidence_of_utterances():
    bins = [{"confidence": 0.2, "accuracy": 0.3, "utterances": 10}]
    html = calibration({"ece": 0.1, "bins": bins}, "utterances")
    assert "Expected calibration error 0.100" in html and "share of utterances that are right" in html
    assert calibration(None, "utterances") == calibration({"bins": []}, "utterances") == ""


def test_of_many_rows_the_worst_and_those_to_be_heard_stay():
    sound = Sound(b"x", "audio/flac")
    rows = [UtteranceRow(f"u{i}", "", [], 0, sound=sound if i == 90 else None) for i in range(100)]
    listed = choose_listed(rows, 10)
    assert len(listed) == 10 and rows[:5] == listed[:5] and rows[90] in listed
    assert choose_listed(rows, 100) == rows


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on the PATH")
def test_labels_are_filtered_and_heard_in_a_browser(tmp_path, runs):
    sound = Sound(b"x", "audio/flac", b"x", {"seconds": 1.0})
    path = write_report(runs[0], LabelPresentation(), {"u1": sound})
    with browser(tmp_path / "profile") as tab:
        tab.look_like(375, "dark")
        tab.open(path)
        tab.until("document.getElementById('told').textContent === '4 of 4 utterances, error rate 25.0 %'")
        assert tab.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        tab.run("document.getElementById('filters').wrong.click()")
        tab.until("document.getElementById('told').textContent === '1 of 4 utterances, error rate 100.0 %'")
        tab.run("document.querySelector('#utterances summary').click()")
        tab.until("document.querySelector('.timeline .axis') !== null")
        assert tab.errors == []


def test_a_section_never_takes_the_name_of_what_the_script_works_on():
    html = page("A page", [Section("Utterances", utterance_rows([UtteranceRow("u", "", [], 0)], "WER"))])
    assert html.count('id="utterances"') == 1 and 'href="#utterances-section"' in html
