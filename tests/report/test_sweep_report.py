"""A sweep's page as a browser shows it, and the study as TensorBoard finds it; no training is done for it."""

import json
import re
from pathlib import Path

import pytest
from optuna.trial import TrialState
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
from tensorboard.plugins.hparams import metadata

from asr.report.sweep.hparams import write_hparams
from asr.report.sweep.trials import early_on
from asr.report.sweep.writing import Report, write_report
from tests.report.browser import CHROMIUM, browser
from tests.tuning.studies import REASONS, SPACE, sweep_in, trials_of

in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on the PATH")
HOSTILE = "<script>document.title='run'</script>&lt;"
MADE = [("Command", f"python tune.py search={HOSTILE}")]
SHOWN = "[...document.querySelectorAll('.sortable tbody tr:not([hidden])')]"
SUMMARY = {
    "seconds": 300.0,
    "trained_share": 0.8,
    "winner": {
        "label": "trial 0",
        "dev": 0.21,
        "dev_each": [0.2, 0.22],
        "dev_ci95": [0.18, 0.25],
        "overrides": ["encoder=conformer"],
        "folder": "trials/0000",
        "metrics": {"test": {"wer": 0.234, "wer_ci95": [0.2, 0.26]}},
    },
    "finals": [{"label": "trial 0", "dev": 0.21, "dev_each": [0.2, 0.22], "dev_ci95": [0.18, 0.25]}],
    "against": {
        "runner_up": {
            "label": HOSTILE,
            "difference": -0.012,
            "difference_ci95": [-0.03, 0.01],
            "bootstrap_p": 0.21,
            "mapsswe": {"p": 0.0001},
        }
    },
}


def written(folder: Path, count: int, objectives=("wer",), space=SPACE, rate="wer") -> Path:
    sweep = sweep_in(folder, objectives, space, rate)
    return write_report(sweep, trials_of(sweep, count), [], MADE, 60.0)


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """A page with a choice that is hostile, and with plots that were all drawn."""
    folder = tmp_path_factory.mktemp("sweep")
    choices = dict(SPACE["encoder"]["choices"]) | {HOSTILE: {"encoder.dim": [1, HOSTILE]}}
    (folder / "summary.json").write_text(json.dumps(SUMMARY), "utf-8")
    (folder / "trials" / "0000").mkdir(parents=True)
    (folder / "trials" / "0000" / "report.html").write_text("of a run", "utf-8")
    path = written(folder, 70, space=SPACE | {"encoder": {"choices": choices}})
    with browser(folder / "profile") as opened:
        opened.look_like(1000, "light", 9000)
        opened.open(path)
        yield opened
        assert opened.errors == []
        assert [url for url in opened.requests if not url.startswith(("data:", "blob:"))] == [path.as_uri()]


def shown(tab, column: int) -> list[str]:
    return tab.run(f"{SHOWN}.map((row) => row.cells[{column}].textContent)")


@in_browser
def test_every_plot_is_drawn_in_the_colours_of_day_and_night(tab):
    plots = "[...document.querySelectorAll('.plot > div')]"
    tab.until(f"{plots}.length > 8 && {plots}.every((each) => each.dataset.drawn === 'light')")
    assert tab.run(f"{plots}.every((each) => each.querySelector('.main-svg'))")
    ink = f"getComputedStyle({plots}[0].querySelector('.xtick text')).fill"
    by_day = tab.run(ink)
    tab.look_like(1000, "dark", 9000)
    tab.until(f"{plots}.every((each) => each.dataset.drawn === 'dark')")
    assert tab.run(ink) != by_day


@in_browser
def test_names_that_are_markup_show_as_text(tab):
    assert tab.run("document.title") == "search=architecture – sweep report"
    assert HOSTILE in tab.run("document.querySelector('.facts').textContent")
    assert HOSTILE in tab.run("document.querySelector('.sortable').textContent")
    assert HOSTILE in tab.run("document.getElementById('best-of-each').textContent")
    tab.until("document.querySelectorAll('.plot > div:not([data-drawn])').length === 0")
    drawn = tab.run("[...document.querySelectorAll('.plot .main-svg')].map((each) => each.textContent).join(' ')")
    assert drawn.count(HOSTILE) > 3


@in_browser
def test_trials_are_sorted_by_a_button_and_filtered_by_state_and_text(tab):
    head = "[...document.querySelectorAll('.sortable th')].find((each) => each.textContent === 'Dev WER')"
    tab.run(f"{head}.querySelector('button').focus()")
    tab.press("Enter", "\r")
    rates = [float(text.split()[0]) for text in shown(tab, 2) if text != "–"]
    assert rates == sorted(rates) and len(rates) == 69
    assert tab.run(f"{head}.ariaSort") == "ascending"
    tab.press("Enter", "\r")
    assert [float(text.split()[0]) for text in shown(tab, 2) if text != "–"] == rates[::-1]
    assert tab.run(f"{head}.ariaSort") == "descending" and shown(tab, 2)[-1] == "–"

    form = "document.getElementById('trial-filters')"
    tab.run(f"{form}.state.value = 'failed'; {form}.dispatchEvent(new Event('input'))")
    assert shown(tab, 1) == ["failedout of memory: 3 GiB wanted, 2 GiB free"]
    tab.run(f"{form}.state.value = ''; {form}.search.value = 'LSTM'; {form}.dispatchEvent(new Event('input'))")
    assert 0 < len(shown(tab, 0)) < 70 and all("lstm" in text for text in shown(tab, 5))
    assert tab.run("document.getElementById('trials-told').textContent").endswith("of 70 trials")
    tab.run(f"{form}.search.value = ''; {form}.dispatchEvent(new Event('input'))")


@in_browser
def test_a_finished_sweep_says_who_won_and_how_surely(tab):
    text = tab.run("document.body.textContent")
    for said in ("trial 0", "18.0 – 25.0 %", "20.0 %, 22.0 %", "23.4 %", "-3.0 to +1.0", "0.210", "below 0.001"):
        assert said in text
    assert tab.run("document.querySelector('.sortable tbody a').getAttribute('href')") == "trials/0000/report.html"


@in_browser
def test_a_narrow_page_scrolls_inside_its_tables_and_plots_only(tab):
    tab.look_like(360, "light", 9000)
    assert tab.run("document.documentElement.scrollWidth") <= 360
    tab.look_like(1000, "light", 9000)


@in_browser
def test_fronts_of_three_objectives_are_drawn(tmp_path):
    path = written(tmp_path, 30, ("wer", "parameters", "real_time_factor"))
    with browser(tmp_path / "profile") as tab:
        tab.look_like(1000, "light", 9000)
        tab.open(path)
        tab.until("document.querySelectorAll('.plot > div:not([data-drawn])').length === 0")
        assert tab.run("document.querySelectorAll('[aria-label^=\"Pareto front\"] .main-svg').length") >= 2
        assert tab.errors == []


@pytest.mark.parametrize("count", [0, 1, 3])
def test_with_few_trials_it_says_what_cannot_be_said(tmp_path, count):
    text = written(tmp_path, count).read_text("utf-8")
    assert "has not finished" in text
    assert f"With {count - count // 3} finished trials nothing can be said" in text


def test_one_parameter_alone_has_no_importance(tmp_path):
    path = written(tmp_path, 20, space={"optimizer.lr": {"low": 1e-4, "high": 1e-2}})
    assert "fewer than two parameters differ" in path.read_text("utf-8")


def test_importances_within_a_choice_and_what_is_left_out(tmp_path):
    text = written(tmp_path, 60).read_text("utf-8")
    assert "encoder = lstm, 14 trials" in text and "encoder = conformer, 14 trials" in text
    assert "encoder = lstm (8)" in written(tmp_path, 40).read_text("utf-8")


def test_pruned_trials_count_by_what_they_were_when_nearly_all_were_together(tmp_path):
    trials = trials_of(sweep_in(tmp_path), 40)
    early, share = early_on(trials)
    ended = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    assert len(early) == len(ended) and {max(each.intermediate_values) for each in ended} == {6, 20}
    assert share == 0.3
    wers = {str(each.params): each.intermediate_values[6] for each in ended}
    assert all(each.value == wers[str(each.params)] for each in early)
    text = written(tmp_path, 40).read_text("utf-8")
    assert f"The dev WER of {len(ended)} trials after 30% of the budget" in text
    assert f"All {len(ended)} trials" in text and "dev WER after 30% of the budget" in text
    assert f"The {sum(bool(each.values) for each in trials)} finished trials, which pruning left over" in text


def test_few_trials_that_ended_sooner_than_the_others_do_not_decide_where_they_are_compared(tmp_path):
    trials = trials_of(sweep_in(tmp_path), 40)
    soon = next(each for each in trials if each.state == TrialState.PRUNED)
    soon.intermediate_values = {1: 0.9}
    early, share = early_on(trials)
    assert share == 0.3 and len(early) == 37
    assert early_on([each for each in trials if each.state == TrialState.COMPLETE]) == ([], 0.0)


def test_a_sweep_by_cer_says_so_everywhere(tmp_path):
    told = []
    for summary in ({}, SUMMARY):
        if summary:
            (tmp_path / "summary.json").write_text(json.dumps(summary), "utf-8")
        text = written(tmp_path, 40, ("cer",), rate="cer").read_text("utf-8").replace(REASONS[TrialState.PRUNED], "")
        assert not re.search(r"\bWER\b", text)
        told.append(text)
    assert all("CER on dev" in text and "Dev CER" in text and "dev CER after 30%" in text for text in told)
    assert all(said in told[1] for said in ("CER on test", "Mean dev CER", "CER, points"))


def test_the_page_is_one_file_of_moderate_size(tmp_path):
    path = written(tmp_path, 60)
    assert path.stat().st_size < 10_000_000
    text = path.read_text("utf-8")
    assert "default-src 'none'" in text[:1000] and text.count("<script src") + text.count("<link") == 0


def test_it_is_written_seldom_while_the_sweep_goes_on(tmp_path):
    sweep = sweep_in(tmp_path)
    report = Report(sweep, {"sampler": {}, "pruner": {}}, ["tune.py"])
    trials = trials_of(sweep, 6)
    report.write_if_due(trials, [], 1.0)
    first = (tmp_path / "report.html").stat().st_mtime_ns
    report.write_if_due(trials_of(sweep, 9), [], 2.0)
    assert (tmp_path / "report.html").stat().st_mtime_ns == first
    report.due = 0.0
    report.write_if_due(trials_of(sweep, 9), [], 2.0)
    assert (tmp_path / "report.html").stat().st_mtime_ns > first


def test_tensorboard_finds_every_finished_trial_with_its_parameters_and_objectives(tmp_path):
    sweep = sweep_in(tmp_path, ("wer", "parameters"))
    trials = trials_of(sweep, 12)
    write_hparams(sweep, trials)
    write_hparams(sweep, trials)
    board = EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Reload()
    finished = {f"hparams/{each.number:04d}": each for each in trials if each.values}
    assert set(board.Runs()) == set(finished)
    for run, trial in finished.items():
        tags = board.PluginRunToTagToContent(metadata.PLUGIN_NAME)[run]
        begun = metadata.parse_session_start_info_plugin_data(tags[metadata.SESSION_START_INFO_TAG])
        assert set(begun.hparams) == set(trial.params)
        assert begun.hparams["optimizer.lr"].number_value == trial.params["optimizer.lr"]
        assert board.Scalars(run, "dev WER")[0].value == pytest.approx(trial.values[0])
        assert len(board.Scalars(run, "parameters")) == 1
