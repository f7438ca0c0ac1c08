"""Data-parallel training, as `trainer=ddp` does it on several GPUs, here with two processes on a CPU."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

from tests.commands import ROOT, TINY, run
from tests.corpus.recordings import write_lines


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


def halves_of(shards: Path) -> tuple[set[str], set[str]]:
    """The training utterances with a c in shards that the one process reads, and in those that the other reads."""
    halves: tuple[set[str], set[str]] = (set(), set())
    for number, file in enumerate(sorted((shards / "train").glob("cuts.*"))):
        cuts = map(json.loads, gzip.decompress(file.read_bytes()).splitlines())
        halves[number % 2].update(cut["id"] for cut in cuts if "c" in cut["supervisions"][0]["text"])
    return halves


def test_two_processes_read_shards(tones, tmp_path):
    """As many steps for both, from shards of their own, with a worker each; what either left out is named once."""
    shards, run_dir = tmp_path / "shards", tmp_path / "run"
    assert run("asr", "shard", tones, shards, "--shard-size", 5).status == 0
    index = json.loads((shards / "shards.json").read_text())
    chosen = (f"data.source={shards}", f"run_dir={run_dir}", "data.batch_seconds=4", "data.workers=1")
    without_c = write_lines(
        tmp_path / "without_c.py",
        "import sys",
        f"sys.path.insert(0, {str(ROOT)!r})",
        "import asr.commands.train as train",
        "from asr.configuration.entry import run_entry_point",
        "from asr.corpus.shards.streaming import Stream",
        "targets = Stream.targets",
        "Stream.targets = lambda self: (text for text in targets(self) if 'c' not in text)",
        "run_entry_point('train', train.train)",
    )
    command = [sys.executable, str(without_c), *TINY, *chosen, "trainer.strategy=ddp", "trainer.devices=2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rejected = [json.loads(line) for line in (run_dir / "rejected.jsonl").read_text().splitlines()]
    named = [each["id"] for each in rejected if (each["reason"], each["split"]) == ("unknown_characters", "train")]
    assert len(named) == len(set(named)) > 0
    first, second = halves_of(shards)
    assert set(named) <= first | second
    assert set(named) & first
    assert set(named) & second
    assert f"(unknown_characters {len(named)}), see" in done.stderr
    (line,) = [json.loads(line) for line in (run_dir / "history.jsonl").read_text().splitlines()]
    assert line["step"] == round(index["splits"]["train"]["seconds"] / (4 * 2))
    assert json.loads((run_dir / "metrics.json").read_text())["test"]["utterances"] > 0
