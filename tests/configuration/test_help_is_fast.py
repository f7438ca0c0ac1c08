"""--help is answered at once: it imports nothing that trains."""

import resource
import subprocess
import sys

import pytest

from tests.commands import ROOT

COMMANDS = [["train.py"], ["tune.py"], ["evaluate.py"], ["-m", "asr.cli"], ["-m", "asr.cli", "train"]]
LIMIT_S = 3.0  # of processor time; half a second to a second where nothing else runs
HEAVY = ("torch", "lhotse", "pytorch_lightning", "optuna", "matplotlib", "scipy", "sklearn")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_processor_time_of_help(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *command, "--help"], cwd=ROOT, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < LIMIT_S, f"{spent:.2f} s"


@pytest.mark.parametrize("arguments", ["['asr', '--help']", "['asr', 'train', '--help']", "['asr', 'lm', '--help']"])
def test_help_imports_nothing_heavy(arguments):
    script = f"import sys; sys.argv = {arguments}\nfrom asr.cli import main\ntry: main()\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert set(HEAVY) & set(done.stdout.splitlines()[-1].split()) == set()
