"""Who runs a trial, as the trial itself says, and whether that worker still gives signs of life.

Optuna's own heartbeat is for databases alone, and fails a trial whose worker is gone; here a study may also be kept in
a journal or behind gRPC, and such a trial goes on from its checkpoint.
"""

import socket
import threading
import time

from optuna.trial import FrozenTrial, Trial

HEARTBEAT_S = 30.0  # between signs of life
SILENT_S = 300.0  # without one, a worker of another folder counts as gone
UNCLAIMED_S = 20.0  # between the start of a trial and its worker's first sign of life, at most


def write_owner(trial: Trial, folder_id: str) -> None:
    """Write into a trial who runs it: the folder whose locks say whether it is still being run, and the machine."""
    trial.set_user_attr("folder_id", folder_id)
    trial.set_user_attr("heartbeat", time.time())
    trial.set_user_attr("machine", socket.gethostname())


def is_silent(trial: FrozenTrial) -> bool:
    """Whether the worker of a trial has given no sign of life for so long that it counts as gone."""
    limit_s = SILENT_S if "folder_id" in trial.user_attrs else UNCLAIMED_S
    return seconds_since_heartbeat(trial) >= limit_s


def seconds_since_heartbeat(trial: FrozenTrial) -> float:
    """Since the last heartbeat or, before the first, since the start, which is in its machine's local time."""
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    return time.time() - trial.user_attrs.get("heartbeat", started)


class Heartbeat:
    """Writes signs of life into a trial, from a thread of its own. Use as a context."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.ended = trial, threading.Event()
        self.thread = threading.Thread(target=self.write_until_ended, daemon=True)

    def write_until_ended(self) -> None:
        while not self.ended.wait(HEARTBEAT_S):
            try:
                self.trial.set_user_attr("heartbeat", time.time())
            except Exception:  # the storage is out of reach, or the trial finished: the training itself will find out
                continue

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *error) -> None:
        self.ended.set()
        self.thread.join()
