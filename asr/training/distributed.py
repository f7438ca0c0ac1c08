"""Several processes of one training: the first one chooses the run's folder, the others are told of it."""

import os
import sys
from pathlib import Path


def is_further_process() -> bool:
    """Whether another process of the same training began this one, as Lightning does for each further device."""
    return os.environ.get("LOCAL_RANK", "0") != "0"


def tell_further_processes(run_dir: Path) -> None:
    """Put the run's folder on the command line, with which Lightning begins further processes of this training."""
    given = f"run_dir={run_dir}"
    if not is_further_process() and given not in sys.argv[1:]:
        sys.argv[1:] = [*(word for word in sys.argv[1:] if not word.startswith("run_dir=")), given]
