"""A training that ends before its end: nothing made is lost, a message says how to go on, the same command does."""

import errno
import itertools
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from asr.training.records import BestModel
from asr.use.load import load
from tests.commands import ROOT, TINY, run, train

EPOCHS = 40


def epochs(run_dir: Path) -> list[int]:
    return [json.loads(line)["epoch"] for line in (run_dir / "history.jsonl").read_text().splitlines()]


def metrics(run_dir: Path) -> dict:
    return json.loads((run_dir / "metrics.json").read_text())


def weights(run_dir: Path) -> dict[str, torch.Tensor]:
    return load_file(run_dir / "model" / "model.safetensors")


def interrupt(how: signal.Signals, arguments: list[str], run_dir: Path) -> subprocess.CompletedProcess:
    """Start the command, and send it a signal once its third epoch is behind it."""
    process = subprocess.Popen([sys.executable, ROOT / "train.py", *arguments], stderr=subprocess.PIPE, text=True)
    while process.poll() is None and (not (run_dir / "history.jsonl").is_file() or len(epochs(run_dir)) < 3):
        time.sleep(0.02)
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, stderr=err)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_the_same_command_goes_on(tones, tmp_path, how):
    folder = tmp_path / "run"
    command = [*TINY, f"data.source={tones}", f"run_dir={folder}", f"budget.epochs={EPOCHS}"]
    left = interrupt(how, command, folder)
    assert "Traceback" not in left.stderr
    if how == signal.SIGKILL:
        assert left.returncode == -how
    else:
        assert left.returncode == 130
        assert "the same command goes on after the last validation" in left.stderr
        assert f"the best model so far is {folder / 'model'}" in left.stderr
    assert not (folder / "metrics.json").exists()
    assert load(folder / "model").transcribe([next(tones.rglob("*.wav"))])
    kept = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] + 1
    assert 2 <= kept < EPOCHS

    done = run("train", *command)
    assert done.status == 0, done.err
    assert f"going on from {folder / 'checkpoints' / 'last.ckpt'}" in done.err
    assert epochs(folder) == list(range(1, EPOCHS + 1))
    assert metrics(folder)["train"]["epochs"] == EPOCHS
    again = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert again["global_step"] == EPOCHS * again["global_step"] // (again["epoch"] + 1)


def test_going_on_gives_what_an_undisturbed_training_gives(tones, tmp_path, monkeypatch):
    stop_in_epoch(3, tones, tmp_path / "stopped", monkeypatch)
    for folder in ("stopped", "undisturbed"):
        assert train(tones, tmp_path / folder, "budget.epochs=4").status == 0
    stopped, undisturbed = (
        [json.loads(line) for line in (tmp_path / folder / "history.jsonl").read_text().splitlines()]
        for folder in ("stopped", "undisturbed")
    )
    for key in ("epoch", "step", "train_loss", "dev_loss", "dev_wer"):
        assert [line[key] for line in stopped] == [line[key] for line in undisturbed]


def test_ctrl_c_before_anything_is_kept(tones, tmp_path, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(BestModel, "on_validation_end", raising(KeyboardInterrupt))
        left = train(tones, tmp_path / "run")
    assert left.status == 130
    assert left.err.rstrip().endswith(
        f"interrupted before the first validation: the same command begins anew in {tmp_path / 'run'}"
    )
    done = train(tones, tmp_path / "run")
    assert done.status == 0, done.err
    assert epochs(tmp_path / "run") == [1]


def test_ctrl_c_while_it_is_scored(tones, tmp_path, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("asr.tasks.transcribe.scoring.hypotheses.score", raising(KeyboardInterrupt))
        assert train(tones, tmp_path / "run").status == 130
    assert not (tmp_path / "run" / "metrics.json").exists()
    done = train(tones, tmp_path / "run")
    assert done.status == 0, done.err
    assert epochs(tmp_path / "run") == [1]
    assert metrics(tmp_path / "run")["train"]["epochs"] == 1


def test_a_finished_run_is_not_trained_again(tones, tmp_path):
    train(tones, tmp_path / "run")
    before = (tmp_path / "run" / "metrics.json").stat().st_mtime_ns
    again = train(tones, tmp_path / "run")
    assert again.status == 0
    assert f"{tmp_path / 'run'} is finished already" in again.err
    assert (tmp_path / "run" / "metrics.json").stat().st_mtime_ns == before


def test_killed_between_moving_the_old_model_away_and_the_new_one_in(tones, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    stop_in_epoch(2, tones, folder, monkeypatch)
    (folder / "model").rename(folder / "model.old")
    with monkeypatch.context() as broken:
        broken.setattr(BestModel, "on_validation_end", raising(KeyboardInterrupt))
        assert train(tones, folder, "budget.epochs=4").status == 130
    assert load(folder / "model")


def test_killed_while_its_configuration_is_written(tones, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml.123.part").write_text("name: a")
    done = train(tones, tmp_path / "run")
    assert done.status == 0, done.err


def test_a_damaged_checkpoint(tones, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    stop_in_epoch(2, tones, folder, monkeypatch)
    checkpoint = folder / "checkpoints" / "last.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
    error = train(tones, folder, "budget.epochs=4").error
    assert error == f"{checkpoint}: damaged, training cannot go on from it; remove it to begin anew"
    checkpoint.unlink()
    done = train(tones, folder, "budget.epochs=4")
    assert done.status == 0, done.err
    assert epochs(folder) == [1, 2, 3, 4]


# -------------------------------------------------------------------------------------------------- no room on the disk


def raising(error: BaseException | type[BaseException]):
    def fail(*_, **__):
        raise error

    return fail


def stop_in_epoch(epoch: int, tones: Path, folder: Path, monkeypatch) -> None:
    """Train 4 epochs and press Ctrl-C when the validation of one of them ends."""
    validated = BestModel.on_validation_end

    def stop(self, trainer, module) -> None:
        if trainer.current_epoch + 1 == epoch:
            raise KeyboardInterrupt
        validated(self, trainer, module)

    with monkeypatch.context() as broken:
        broken.setattr(BestModel, "on_validation_end", stop)
        assert train(tones, folder, "budget.epochs=4").status == 130


def full_disk_for(name: str, monkeypatch, after: int = 0) -> None:
    """Every write of a file fails from the one after the first `after` on."""
    write, seen = Path.write_bytes, []

    def fail(self: Path, content: bytes) -> int:
        if self.name.startswith(f"{name}.") and self.name.endswith(".part"):
            seen.append(self)
            if len(seen) > after:
                write(self, content[: len(content) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", fail)


@pytest.mark.parametrize(
    ("name", "after", "named"),
    [
        ("model.safetensors", 0, "model"),
        ("last.ckpt", 1, "checkpoints/last.ckpt"),
        ("hypotheses.jsonl", 0, "hypotheses.jsonl"),
        ("metrics.json", 0, "metrics.json"),
        ("report.html", 0, "report.html"),
    ],
)
def test_a_full_disk(tones, tmp_path, monkeypatch, name, after, named):
    folder = tmp_path / "run"
    with monkeypatch.context() as full:
        full_disk_for(name, full, after)
        error = train(tones, folder, "budget.epochs=2").error
    assert error == f"no room on the disk for {folder / named}: free some, then type the same command again"
    assert not list(folder.rglob("*.part"))
    assert not (folder / named).exists() or after
    if name != "model.safetensors":
        assert load(folder / "model")
    done = train(tones, folder, "budget.epochs=2")
    assert done.status == 0, done.err
    assert epochs(folder) == [1, 2]
    assert metrics(folder)["test"]["utterances"] == 10


def test_an_earlier_model_outlives_a_full_disk(tones, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    stop_in_epoch(2, tones, folder, monkeypatch)
    before = weights(folder)
    falling = itertools.count(0, -1)
    monkeypatch.setattr("asr.tasks.transcribe.task.word_error_rate", lambda *_: next(falling))
    with monkeypatch.context() as full:
        full_disk_for("model.safetensors", full)
        error = train(tones, folder, "budget.epochs=4").error
    assert error.startswith(f"no room on the disk for {folder / 'model'}")
    after = weights(folder)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert load(folder / "model")


@pytest.fixture
def small_disk(tmp_path):
    """A real one of 300 KiB, where the tests may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", place]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_disk_that_is_really_full(tones, small_disk):
    folder = small_disk / "run"
    assert train(tones, folder, "budget.epochs=3").error.startswith("no room on the disk for ")
    assert load(folder / "model")
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    done = train(tones, folder, "budget.epochs=3")
    assert done.status == 0, done.err
    assert epochs(folder) == [1, 2, 3]


# -------------------------------------------------------------------------------------------------------- not a number


@pytest.mark.parametrize(
    ("length", "message"),
    [(3, "at no validation were its loss and weights finite"), (30, "not finite in 20 steps in a row")],
)
def test_a_learning_rate_that_makes_no_model(tones, tmp_path, length, message):
    folder = tmp_path / "run"
    error = train(tones, folder, f"budget.epochs={length}", "optimizer.lr=1e30", "schedule.warmup_steps=0").error
    assert message in error
    assert "lower optimizer.lr" in error
    assert not (folder / "model").exists()
    reasons = {json.loads(line)["reason"] for line in (folder / "rejected.jsonl").read_text().splitlines()}
    assert reasons == {"not_finite"}


def test_a_model_that_was_good_is_kept_when_training_goes_wrong(tones, tmp_path, monkeypatch):
    """The loss becomes NaN after the first epoch: what was best before stays, and is what is scored."""
    folder = tmp_path / "run"
    validated = BestModel.on_validation_end

    def poison(self, trainer, module) -> None:
        validated(self, trainer, module)
        if trainer.current_epoch == 0:
            self.poisoned = True

    def begin(self, trainer, module) -> None:
        if getattr(self, "poisoned", False):
            with torch.no_grad():
                module.model.head.project.weight.fill_(float("nan"))

    monkeypatch.setattr(BestModel, "on_validation_end", poison)
    monkeypatch.setattr(BestModel, "on_train_epoch_start", begin)
    done = train(tones, folder, "budget.epochs=3")
    assert done.status == 0, done.err
    assert all(torch.isfinite(value).all() for value in weights(folder).values())
    assert json.loads((folder / "history.jsonl").read_text().splitlines()[-1])["dev_loss"] is None


@pytest.mark.parametrize("rate", [1, 1000])
def test_a_learning_rate_that_is_far_too_high_is_survived(tones, tmp_path, rate):
    folder = tmp_path / "run"
    done = train(tones, folder, "budget.epochs=5", f"optimizer.lr={rate}", "schedule.warmup_steps=0")
    assert done.status == 0, done.err
    assert all(torch.isfinite(value).all() for value in weights(folder).values())
