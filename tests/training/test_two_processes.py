"""Data-parallel training, as `trainer=ddp` does it on several GPUs, here with two processes on a CPU."""

import json
import subprocess
import sys

from tests.commands import ROOT, TINY, run


def test_two_processes_share_an_epoch(tones, tmp_path):
    """One process takes twice the steps that two take together, and both leave the same files."""
    steps = {}
    for devices in (1, 2):
        run_dir = tmp_path / f"run{devices}"
        chosen = (f"data.source={tones}", f"run_dir={run_dir}", "data.batch_utterances=4", "trainer.strategy=ddp")
        command = [sys.executable, str(ROOT / "train.py"), *TINY, *chosen, f"trainer.devices={devices}"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in (run_dir / "history.jsonl").read_text().splitlines()]
        assert len(lines) == 1
        steps[devices] = lines[0]["step"]
        assert json.loads((run_dir / "metrics.json").read_text())["test"]["utterances"] == 10
        assert (run_dir / "report.html").is_file()
    assert steps[1] // 2 <= steps[2] <= steps[1] // 2 + 1
    assert steps[1] >= 8


def test_two_processes_read_shards(tones, tmp_path):
    """As many steps for both, from shards of their own, with a worker each."""
    shards, run_dir = tmp_path / "shards", tmp_path / "run"
    assert run("asr", "shard", tones, shards, "--shard-size", 5).status == 0
    index = json.loads((shards / "shards.json").read_text())
    chosen = (f"data.source={shards}", f"run_dir={run_dir}", "data.batch_seconds=4", "data.workers=1")
    command = [sys.executable, str(ROOT / "train.py"), *TINY, *chosen, "trainer.strategy=ddp", "trainer.devices=2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (line,) = [json.loads(line) for line in (run_dir / "history.jsonl").read_text().splitlines()]
    assert line["step"] == round(index["splits"]["train"]["seconds"] / (4 * 2))
    assert json.loads((run_dir / "metrics.json").read_text())["test"]["utterances"] > 0
