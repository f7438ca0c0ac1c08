"""docs/adding-an-encoder.md, done as it says: its two files are added to a copy of the project, tested and trained."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adding-an-encoder.md"


def files_of_the_page() -> dict[str, str]:
    """Path -> content of each code block that stands under the line naming its file."""
    return dict(re.findall(r"^`(\S+)`:\n\n```\w+\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def copy_of_the_project(tmp_path_factory) -> Path:
    copy = tmp_path_factory.mktemp("project")
    for name in ("asr", "conf", "tests/model/encoders"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("train.py", "setup.cfg"):
        shutil.copy(ROOT / name, copy / name)
    for path, content in files_of_the_page().items():
        assert not (copy / path).exists(), f"{path} is in the project already: the example is none"
        (copy / path).write_text(content, "utf-8")
    return copy


def python(copy: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run([sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True)


def test_the_page_shows_one_python_and_one_yaml_file():
    assert sorted(Path(path).suffix for path in files_of_the_page()) == [".py", ".yaml"]


def test_the_contract_finds_it_and_it_keeps_it(copy_of_the_project):
    done = python(copy_of_the_project, "-m", "pytest", "tests/model/encoders", "-k", "tdnn or every_encoder")
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout).group(1)) > 30


def test_help_lists_it(copy_of_the_project):
    assert "tdnn" in python(copy_of_the_project, "train.py", "--help").stdout


def test_it_trains(copy_of_the_project, tones):
    run = copy_of_the_project / "run"
    chosen = ["encoder=tdnn", f"data.source={tones}", f"run_dir={run}", "budget.epochs=2", "trainer.accelerator=cpu"]
    done = python(copy_of_the_project, "train.py", *chosen)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((run / "metrics.json").read_text("utf-8"))["train"]["epochs"] == 2
    assert "asr.model.encoders.tdnn.TDNN" in (run / "model" / "config.yaml").read_text("utf-8")
