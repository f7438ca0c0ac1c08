"""train.py as a whole on a language of three tones: it learns, repeats itself, and leaves everything it says."""

import json

import numpy as np
import pytest
import soundfile
import torch

import asr
from asr.commands.evaluate import evaluate
from asr.commands.train import train
from asr.configuration.compose import load_values
from asr.tasks.transcribe.scoring.wer import character_error_rate
from asr.training.budget import Budget
from asr.training.module import Training
from asr.training.schedule import WarmupCosine
from tests.commands import run as command
from tests.tones import GAP_S, LETTER_S, RATE

QUICK = ("encoder=bilstm", "encoder.units=48", "encoder.layers=1", "augment=none", "trainer.precision=32-true",
         "trainer.accelerator=cpu", "data.batch_seconds=4", "schedule.warmup_steps=5", "optimizer.lr=0.005",
         "features/normalization=corpus")  # fmt: skip


def run(tones, folder, *overrides):
    return train(load_values("train", [*QUICK, f"data.source={tones}", f"run_dir={folder}", *overrides]))


@pytest.fixture(scope="module")
def trained(tones, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "tones"
    return folder, run(tones, folder, "budget.epochs=25")


def test_it_learns_and_measures(trained):
    folder, metrics = trained
    assert metrics["test"]["wer"] < 0.1
    assert metrics["test"]["utterances"] > 0
    assert metrics["test"]["wer_ci95"][0] <= metrics["test"]["wer"] <= metrics["test"]["wer_ci95"][1]
    assert metrics["train"]["epochs"] == 25
    assert metrics["train"]["parameters"] > 1000
    assert metrics["train"]["audio_seconds_per_second"] > 1
    assert json.loads((folder / "metrics.json").read_text("utf-8")) == metrics


def test_the_run_folder_holds_all_that_is_promised(trained):
    folder, metrics = trained
    for name in ("config.yaml", "history.jsonl", "hypotheses.jsonl", "rejected.jsonl", "report.html",
                 "model/model.safetensors", "model/config.yaml", "model/tokenizer.json", "checkpoints/last.ckpt",
                 "data/train.jsonl.gz", "data/dev.jsonl.gz", "data/test.jsonl.gz"):  # fmt: skip
        assert (folder / name).is_file(), name
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]
    assert [line["epoch"] for line in history] == list(range(1, 26))
    assert history[-1]["dev_loss"] < history[0]["dev_loss"]
    spoken = [json.loads(line) for line in (folder / "hypotheses.jsonl").read_text("utf-8").splitlines()]
    assert {line["split"] for line in spoken} == {"dev", "test"}
    assert {"id", "reference", "hypothesis", "wer", "duration", "speaker"} <= set(spoken[0])
    assert sum(line["split"] == "test" for line in spoken) == metrics["test"]["utterances"]


def test_a_finished_run_is_not_trained_again(trained, tones):
    folder, metrics = trained
    before = (folder / "model" / "model.safetensors").stat().st_mtime_ns
    assert run(tones, folder, "budget.epochs=25") == metrics
    assert (folder / "model" / "model.safetensors").stat().st_mtime_ns == before


def test_evaluation_repeats_the_training_runs_score(trained, tmp_path):
    folder, metrics = trained
    again = evaluate(load_values("evaluate", [f"run={folder}", f"out_dir={tmp_path}"]))
    for key in ("wer", "cer", "words", "substitutions", "deletions", "insertions", "utterances"):
        assert again["test"][key] == metrics["test"][key]
    assert (tmp_path / "report.html").is_file()


def test_the_model_transcribes_files_with_times(trained, tones):
    folder, _ = trained
    recognizer = asr.load(folder / "model")
    paths = sorted(tones.rglob("*.wav"))[:8]
    texts = [path.with_suffix(".txt").read_text("utf-8").strip() for path in paths]
    transcripts = recognizer.transcribe(paths)
    assert [t.path for t in transcripts] == [str(path) for path in paths]
    assert sum(t.text == text for t, text in zip(transcripts, texts, strict=True)) >= 7
    for transcript in transcripts:
        assert " ".join(word.text for word in transcript.words) == transcript.text
        times = [time for word in transcript.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert all(0 <= time <= transcript.duration for time in times)
        assert all(0 < word.confidence <= 1 for word in transcript.words)


def test_the_same_seed_gives_the_same_weights(tones, tmp_path):
    from safetensors.torch import load_file

    runs = []
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        run(tones, tmp_path / name, "budget.epochs=1", f"seed={seed}", "augment=[speed,specaugment]")
        runs.append(load_file(tmp_path / name / "model" / "model.safetensors"))
    assert all(torch.equal(runs[0][key], runs[1][key]) for key in runs[0])
    assert any(not torch.equal(runs[0][key], runs[2][key]) for key in runs[0])


@pytest.mark.parametrize("extra", [("tokenizer=bpe", "tokenizer.vocabulary_size=9"), ("features=mfcc",),
                                   ("features/normalization=corpus",), ("trainer.accumulate_grad_batches=2",),
                                   ("trainer.patience=1", "budget.epochs=3"), ("data.cache_gib=0",)],
                         ids=lambda extra: extra[0])  # fmt: skip
def test_choices_train(tones, tmp_path, extra):
    metrics = run(tones, tmp_path / "run", "budget.epochs=1", *extra)
    assert metrics["train"]["epochs"] >= 1
    assert asr.load(tmp_path / "run").transcribe([next(tones.rglob("*.wav"))])


def test_minutes_end_the_training_with_the_learning_rate_annealed(tones, tmp_path):
    metrics = run(tones, tmp_path / "run", "budget.minutes=0.05")
    history = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text("utf-8").splitlines()]
    assert 3 <= metrics["train"]["seconds"] < 12
    assert history[-1]["learning_rate"] < 0.05 * 0.005


def test_schedule_warms_up_and_ends_at_its_share():
    schedule = WarmupCosine(warmup_steps=10, final_share=0.1)
    assert schedule(0, 0.0) == pytest.approx(0.1)
    assert schedule(9, 0.0) == pytest.approx(1.0)
    assert schedule(1000, 0.5) == pytest.approx(0.55)
    assert schedule(1000, 1.0) == pytest.approx(0.1)


def test_budget_counts_what_came_before_an_interruption():
    first = Budget(WarmupCosine(1, 0.0), None, 10, 100.0, 8000)
    first.audio_seconds, first.seconds_before, first.step_seconds, first.epochs_done = 400.0, 50.0, 40.0, 4
    second = Budget(WarmupCosine(1, 0.0), None, 10, 100.0, 8000)
    second.load_state_dict(first.state_dict())
    assert second.spent == pytest.approx(0.4)
    assert second.seconds == 50.0
    assert second.seconds_left == pytest.approx(75.0)
    assert second.throughput == pytest.approx(10.0)


def test_dropout_is_on_in_every_step_and_off_in_validation(tones, tmp_path, monkeypatch):
    """A recognizer is in evaluation mode, and shares its model with the training."""
    modes: dict[str, set[bool]] = {"training_step": set(), "validation_step": set()}
    for name, seen in modes.items():
        step = getattr(Training, name)

        def watched(self, batch, index, step=step, seen=seen):
            seen.update(part.training for part in self.model.modules())
            return step(self, batch, index)

        monkeypatch.setattr(Training, name, watched)
    run(tones, tmp_path / "run", "budget.epochs=2")
    assert modes == {"training_step": {True}, "validation_step": {False}}


def test_a_known_text_is_aligned_to_where_its_tones_are(trained, tones, tmp_path):
    folder, _ = trained
    errors = []
    for path in sorted(tones.rglob("*.wav"))[:20]:
        text = path.with_suffix(".txt").read_text().strip()
        found = asr.load(folder / "model").align(path, text.upper())
        assert [word.text for word in found.words] == text.split()
        first = 0
        for word in found.words:
            begins = GAP_S + first * (LETTER_S + GAP_S)
            ends = begins + len(word.text) * (LETTER_S + GAP_S) - GAP_S
            assert 0 <= word.start < word.end <= found.duration
            assert word.start < ends and word.end > begins
            errors.append(abs(word.start - begins))
            first += len(word.text) + 1
    assert sorted(errors)[len(errors) // 2] < 0.1


@pytest.fixture(scope="module")
def long_recording(tones, tmp_path_factory):
    """Two minutes of the corpus, what is said in it line by line, and when every line begins."""
    folder, samples, begins, lines = tmp_path_factory.mktemp("long"), [], [], []
    for path in 2 * sorted(tones.rglob("*.wav")):
        samples += [soundfile.read(path, dtype="float32")[0], np.zeros(round(0.3 * RATE), np.float32)]
        begins.append(sum(map(len, samples[:-2])) / RATE + GAP_S)
        lines.append(path.with_suffix(".txt").read_text().strip())
    soundfile.write(folder / "long.flac", np.concatenate(samples), RATE)
    (folder / "long.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "long.flac", folder / "long.txt", lines, begins


def test_a_long_recording_is_aligned_line_by_line(trained, long_recording):
    folder, _ = trained
    audio, text, lines, begins = long_recording
    done = command("asr", "align", audio, text, "--model", folder / "model", "--format", "json")
    found = json.loads(done.out)
    assert found["duration"] > 100
    assert [segment["text"] for segment in found["segments"]] == lines
    assert [word["text"] for word in found["words"]] == " ".join(lines).split()
    assert "".join(token["text"] for token in found["tokens"]).replace("▁", " ").split() == " ".join(lines).split()
    errors = [abs(each["start"] - begun) for each, begun in zip(found["segments"], begins, strict=True)]
    assert sorted(errors)[len(errors) // 2] < 0.1
    assert max(errors) < 2
    captions = command("asr", "align", audio, text, "--model", folder / "model", "--format", "srt").out
    assert [block.splitlines()[2] for block in captions.strip().split("\n\n")] == lines


def test_a_long_recording_is_transcribed_in_chunks(trained, long_recording):
    folder, _ = trained
    audio, _, lines, _ = long_recording
    (heard,) = asr.load(folder / "model").transcribe([audio])
    times = [time for word in heard.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert heard.words[-1].end > heard.duration - 5
    assert character_error_rate([" ".join(lines)], [heard.text]) < 0.3
    timed = command("asr", "transcribe", audio, "--times", "--model", folder / "model").out.splitlines()
    assert timed[0].startswith("[00:00:00.") and " --> " in timed[0]
    assert " ".join(line.split("] ")[1] for line in timed) == heard.text


def test_aligning_what_cannot_be(trained, tones, tmp_path):
    folder, _ = trained
    path, text = next(tones.rglob("*.wav")), tmp_path / "text.txt"
    text.write_text("a b c " * 200, encoding="utf-8")
    model = ("--model", folder / "model")
    assert "is this recording's text" in command("asr", "align", path, text, *model).error
    assert "cannot be read" in command("asr", "align", path, tmp_path / "none", *model).error
    text.write_text("abc xyz", encoding="utf-8")
    assert "cannot be aligned" in command("asr", "align", path, text, *model).error
    text.write_text("abc", encoding="utf-8")
    done = command("asr", "align", path, text, *model, "--format", "textgrid")
    assert done.out.startswith('File type = "ooTextFile"')


@pytest.mark.parametrize(("monitor", "epochs"), [("wer", 5), ("cer", 3)])
def test_training_stops_early_by_the_rate_it_goes_by(tones, tmp_path, monkeypatch, monitor, epochs):
    """A WER that falls with every epoch, beside a CER that stays."""
    falling = iter(range(100, 0, -1))
    monkeypatch.setattr("asr.tasks.transcribe.task.word_error_rate", lambda *_: next(falling) / 100)
    monkeypatch.setattr("asr.tasks.transcribe.task.character_error_rate", lambda *_: 0.5)
    metrics = run(tones, tmp_path / "run", "budget.epochs=5", "trainer.patience=2", f"trainer.monitor={monitor}")
    assert metrics["train"]["epochs"] == epochs
