"""A long `asr` command killed at random moments, ASR_KILLS times, and then continued."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from asr.writing import partial_folder
from tests.commands import ROOT

KILLS = int(os.environ.get("ASR_KILLS", "3"))
LONGEST_S = 2.0  # from the moment that the command begins to the kill; its work begins after half a second


def kill_and_go_on(slow: str, *arguments: object) -> None:
    """Kill `asr` with these arguments, the last of them its target, and run it to its end.

    `slow` is Python that is run before, so that there is time for killing. At every moment there is no target, or
    whatever is made of it is there.
    """
    begin = "import sys; sys.argv = ['asr', *sys.argv[1:]]; from asr.cli import main\n"
    command = [sys.executable, "-c", f"{slow}{begin}print('begin', flush=True); main()", *map(str, arguments)]
    target, chance, killed = Path(str(arguments[-1])), random.Random(0), 0
    for _ in range(KILLS):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        process.stdout.read(5)
        time.sleep(chance.uniform(0.3, LONGEST_S))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL and partial_folder(target).exists()
        assert not target.exists() or any(target.glob("*.json"))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert killed, "no run was killed at its work"
