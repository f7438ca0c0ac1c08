"""The commands as a person types them, run within the process of the tests: importing torch anew takes seconds."""

import io
import os
import runpy
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from asr.cli import main

ROOT = Path(__file__).resolve().parent.parent
TINY = (  # a training of a second or two
    *("encoder=mlp", "encoder.dim=16", "encoder.layers=1", "budget.epochs=1"),
    *("trainer.accelerator=cpu", "trainer.precision=32-true", "trainer.examples=1"),
)


@dataclass(frozen=True)
class Outcome:
    """What a command leaves: its exit status and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one message of a command that the user has to call differently, or whose input is to be mended."""
        assert self.status == 2, (self.status, self.err)
        assert "Traceback" not in self.err
        before, _, message = ("\n" + self.err).partition("\nerror: ")
        assert message, before
        assert "\nerror: " not in message, message
        return message.strip()


def run(script: str, *arguments: object) -> Outcome:
    """`python train.py …` for script "train", `asr …` for "asr"; anything but SystemExit is a traceback, and raised."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    before, handler = (sys.argv, os.environ.pop("ASR_RUN_DIR", None)), signal.getsignal(signal.SIGINT)
    sys.argv = [script, *map(str, arguments)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            if script == "asr":
                main()
            else:
                runpy.run_path(str(ROOT / f"{script}.py"), run_name="__main__")
    except SystemExit as left:
        status = int(left.code or 0)
    finally:
        sys.argv = before[0]
        signal.signal(signal.SIGINT, handler)
    return Outcome(status, out.getvalue(), err.getvalue())


def train(source: Path, run_dir: Path, *arguments: object) -> Outcome:
    """A tiny training."""
    return run("train", *TINY, f"data.source={source}", f"run_dir={run_dir}", *arguments)
