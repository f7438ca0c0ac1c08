"""evaluate.py as a whole, on a tiny run: what it writes, what it prints, and one run against another."""

import json
import shutil
from pathlib import Path

import pytest

from tests.commands import run, train
from tests.tones import make_corpus


@pytest.fixture(scope="module")
def runs(tones, tmp_path_factory) -> tuple[Path, Path]:
    """Two finished runs on the same data, the second at another sample rate."""
    folder = tmp_path_factory.mktemp("runs")
    for name, rate in (("one", 8000), ("two", 16000)):
        assert train(tones, folder / name, f"data.sample_rate={rate}", "budget.epochs=3").status == 0
    return folder / "one", folder / "two"


def read(path: Path) -> dict:
    return json.loads(path.read_text("utf-8"))


def test_a_run_says_for_whom_how_fast_and_what_it_was_trained_on(runs):
    one, _ = runs
    test = read(one / "metrics.json")["test"]
    assert test["normalization"].startswith("NFC, lower case, punctuation removed")
    assert test["real_time_factor"] > 0 and test["latency_s"] > 0
    assert (test["device"], test["threads"] > 0) == ("cpu", True)
    assert {"duration", "loudness", "snr"} >= test["breakdown"].keys()
    assert sum(each["words"] for each in test["rare_words"]) == test["words"]
    counts = read(one / "training_words.json")
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    assert read(one / "errors.json")["test"].keys() == {"words", "characters"}
    line = json.loads((one / "hypotheses.jsonl").read_text("utf-8").splitlines()[0])
    assert line["about"] == {} and line["loudness_db"] < 0 and line["snr_db"] > 0


def test_what_the_other_run_has_is_not_done_again(runs, tmp_path):
    one, two = runs
    done = run("evaluate", f"run={one}", f"against={two}", f"out_dir={tmp_path / 'out'}")
    assert done.status == 0, done.err
    found, ours, theirs = (
        read(tmp_path / "out" / "comparison.json"),
        read(one / "metrics.json"),
        read(two / "metrics.json"),
    )
    assert (found["wer"], found["wer_against"]) == pytest.approx((ours["test"]["wer"], theirs["test"]["wer"]))
    assert found["difference"] == pytest.approx(found["wer"] - found["wer_against"])
    assert found["difference_ci95"][0] <= found["difference"] <= found["difference_ci95"][1]
    assert 0 < found["bootstrap_p"] <= 1 and 0 <= found["mapsswe"]["p"] <= 1
    assert "its model now" not in done.err
    for expected in ("paired bootstrap over", "MAPSSWE over", "80 % power", "× real time", "of an utterance alone"[3:]):
        assert expected in done.out


def test_on_other_data_the_other_model_is_run(runs, tones, tmp_path):
    one, two = runs
    other = make_corpus(tmp_path / "other", speakers=3, utterances=4, seed=7)
    options = f"run={one}", f"data.source={other}", "split=all"
    done = run("evaluate", *options, f"against={two}", f"out_dir={tmp_path / 'first'}")
    assert done.status == 0, done.err
    assert "its model now predicts these utterances" in done.err
    ran = read(tmp_path / "first" / "comparison.json")
    assert run("evaluate", f"run={two}", *options[1:], f"out_dir={tmp_path / 'second'}").status == 0
    again = run("evaluate", *options, f"against={tmp_path / 'second'}", f"out_dir={tmp_path / 'third'}")
    assert again.status == 0, again.err
    stored = read(tmp_path / "third" / "comparison.json")
    assert {**stored, "against": ""} == {**ran, "against": ""}


def changed(lines: list[dict], which: str) -> list[dict]:
    if which == "missing":
        return lines[1:]
    if which == "more":
        return [*lines, {**lines[0], "id": "one-more"}]
    if which == "split":
        return [{**line, "split": "dev"} for line in lines]
    key, value = {"reference": ("reference", "something else"), "duration": ("duration", 99.0)}[which]
    return [{**lines[0], key: value}, *lines[1:]]


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ("missing", "it has no hypothesis of {id}; evaluate both on the same data"),
        ("more", "it has 1 more utterances, such as one-more"),
        ("reference", "its reference of {id} is 'something else' instead of"),
        ("duration", "its {id} lasts 99.0 s instead of"),
        ("split", "nothing of split test in its hypotheses.jsonl; evaluate it with split=test"),
    ],
)
def test_an_evaluation_of_other_utterances(runs, tmp_path, which, message):
    one, _ = runs
    lines = [json.loads(line) for line in (one / "hypotheses.jsonl").read_text("utf-8").splitlines()]
    lines = [line for line in lines if line["split"] == "test"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "hypotheses.jsonl").write_text("".join(json.dumps(line) + "\n" for line in changed(lines, which)), "utf-8")
    error = run("evaluate", f"run={one}", f"against={other}", f"out_dir={tmp_path / 'out'}").error
    assert error.startswith(f"against={other}: ")
    assert message.format(id=lines[0]["id"]) in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "neither a run nor an evaluation"),
        (b"{}\n", "hypotheses.jsonl:1: no hypothesis"),
        (b"[" * 100_000, "hypotheses.jsonl:1: no hypothesis"),
        (b'{"id": 1, "reference": "a", "hypothesis": "b"}\n', "hypotheses.jsonl:1: no hypothesis"),
        (b"\xff\xfe", "hypotheses.jsonl:1: no hypothesis"),
        (b"", "nothing of split test"),
    ],
)
def test_a_folder_that_cannot_be_compared_with(runs, tmp_path, content, message):
    if content is not None:
        (tmp_path / "hypotheses.jsonl").write_bytes(content)
    error = run("evaluate", f"run={runs[0]}", f"against={tmp_path}", f"out_dir={tmp_path / 'out'}").error
    assert message in error


def test_no_folder_to_compare_with(runs, tmp_path):
    assert "no such folder" in run("evaluate", f"run={runs[0]}", "against=/nowhere", f"out_dir={tmp_path}").error


def test_results_do_not_go_over_what_they_are_compared_with(runs, tmp_path):
    one, _ = runs
    assert run("evaluate", f"run={one}", f"out_dir={tmp_path}").status == 0
    error = run("evaluate", f"run={one}", f"out_dir={tmp_path}", f"against={tmp_path}").error
    assert "give out_dir= another folder" in error


def test_a_run_without_word_counts_has_its_training_split(runs, tmp_path):
    one, _ = runs
    copy = shutil.copytree(one, tmp_path / "run")
    (copy / "training_words.json").unlink()
    options = "evaluate", f"run={copy}", f"out_dir={tmp_path / 'out'}"
    assert run(*options).status == 0
    assert (
        read(tmp_path / "out" / "metrics.json")["test"]["rare_words"]
        == read(one / "metrics.json")["test"]["rare_words"]
    )
    (copy / "training_words.json").write_text("[1]")
    assert "not the word counts of a run" in run(*options).error
    (copy / "training_words.json").unlink()
    (copy / "data" / "train.jsonl.gz").unlink()
    assert run(*options).status == 0
    assert "rare_words" not in read(tmp_path / "out" / "metrics.json")["test"]
