"""The wheel, installed beside an environment's packages but far from the checkout: asr train and asr evaluate work."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.commands import ROOT, TINY
from tests.configuration.own import write_own_encoder

SHIPPED = ("asr", "conf", "setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


def copy_of_the_sources(folder: Path) -> Path:
    """What is built: in a folder of its own, where nothing of an earlier build lies about."""
    folder.mkdir()
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory) -> Path:
    """Where a fresh environment with the wheel has its commands; it borrows the packages of this one."""
    work = tmp_path_factory.mktemp("wheel")
    sources = copy_of_the_sources(work / "sources")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", work / "dist", sources, cwd=work)
    call(sys.executable, "-m", "venv", "--without-pip", work / "venv", cwd=work)
    python = work / "venv" / "bin" / "python"
    (wheel,) = (work / "dist").glob("*.whl")
    call(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=work)
    shutil.rmtree(sources)
    site = Path(call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=work).strip())
    # only its folder: .pth files of it, and with them an editable installation of the checkout, are not read
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    found = call(python, "-c", "import asr; print(asr.__file__)", cwd=work).strip()
    assert Path(found).is_relative_to(site), found
    return python.parent


def call(*command: object, cwd: Path) -> str:
    """Standard output of a command that has to succeed, with no path to the checkout in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_it_trains_and_evaluates_in_an_empty_folder(bin_folder, tones, tmp_path):
    call(bin_folder / "asr", "train", *TINY, f"data.source={tones}", cwd=tmp_path)
    (run,) = (tmp_path / "runs" / "default").iterdir()
    assert run.name == "mlp-log_mel"
    assert {"wer", "wer_ci95"} <= json.loads((run / "metrics.json").read_text("utf-8"))["test"].keys()
    assert (run / "report.html").is_file()
    call(bin_folder / "asr", "evaluate", f"run={run}", "split=dev", cwd=tmp_path)
    assert "dev" in json.loads((run / "evaluation" / "dev" / "metrics.json").read_text("utf-8"))


def test_a_folder_conf_beside_it_adds_an_encoder(bin_folder, tones, tmp_path):
    write_own_encoder(tmp_path)
    assert "| own |" in call(bin_folder / "asr", "train", "--help", cwd=tmp_path)
    tiny = [option for option in TINY if not option.startswith("encoder")]
    call(bin_folder / "asr", "train", "encoder=own", *tiny, f"data.source={tones}", "run_dir=run", cwd=tmp_path)
    assert "_target_: own_encoders.Own" in (tmp_path / "run" / "model" / "config.yaml").read_text("utf-8")
    assert (tmp_path / "run" / "metrics.json").is_file()


def test_help_of_the_command_is_that_of_the_script(bin_folder, tmp_path):
    script = subprocess.run([sys.executable, ROOT / "tune.py", "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert call(bin_folder / "asr", "tune", "--help", cwd=tmp_path) == script.stdout
