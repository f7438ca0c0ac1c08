"""A long `asr` command killed at random moments of its work, ASR_KILLS times, and continued each time."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from asr.writing import partial_folder
from tests.commands import ROOT

KILLS = int(os.environ.get("ASR_KILLS", "3"))
MOMENTS_S = (0.3, 2.0)  # from the beginning of the command to the kill; its work begins after half a second


def content(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def kill_and_go_on(whole: Path, slow: str, *arguments: object) -> None:
    """Whenever `asr` with these arguments is through, the last of them, its target, must hold the same as `whole`.

    `slow` is Python that is run before, so that there is time for killing.
    """
    begin = "import sys; sys.argv = ['asr', *sys.argv[1:]]; from asr.cli import main\n"
    command = [sys.executable, "-c", f"{slow}{begin}print('begin', flush=True); main()", *map(str, arguments)]
    target, chance, killed = Path(str(arguments[-1])), random.Random(0), 0
    for _ in range(4 * KILLS):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        process.stdout.read(5)
        time.sleep(chance.uniform(*MOMENTS_S))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if target.exists():  # at once whole
            assert content(target) == content(whole)
            shutil.rmtree(target)
        killed += process.returncode == -signal.SIGKILL and partial_folder(target).exists()
        if killed == KILLS:
            break
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert content(target) == content(whole)
    assert killed == KILLS, f"only {killed} runs were killed at their work"
