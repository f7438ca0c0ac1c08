"""One process at a time, of all that work on a study, on whichever machines they are."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from asr.tuning.locks import FolderLocks

LOCK_SUFFIX = " lock"  # of the name of the empty study that stands for the lock
POLL_S = 0.05
STALE_S = 30.0  # it is held for much less; after this time its holder is taken for dead


@contextmanager
def study_lock(storage: BaseStorage, study_name: str, locks: FolderLocks) -> Iterator[None]:
    """Hold the lock of a study: first among the processes of one folder, then among the folders of all machines.

    Optuna has no lock, but a storage holds one study of a name: whoever creates the empty study has the lock. One left
    behind by a killed process is deleted: at once by a process of the same folder, since that holds the folder's lock
    which the other had; by others after STALE_S. It is deleted by its id, which is never used again, and not by its
    name: another process may have the lock by now.
    """
    with locks.one_at_a_time():
        lock = create_lock(storage, f"{study_name}{LOCK_SUFFIX}", locks.folder_id)
        try:
            yield
        finally:
            with suppress(KeyError):  # another process took this one for dead
                storage.delete_study(lock)


def create_lock(storage: BaseStorage, name: str, folder_id: str) -> int:
    """The id of the empty study, once it could be created."""
    seen, since = None, 0.0
    while True:
        with suppress(DuplicatedStudyError, KeyError):
            lock = storage.create_new_study([StudyDirection.MINIMIZE], name)
            storage.set_study_user_attr(lock, "folder_id", folder_id)
            return lock
        with suppress(KeyError):  # released in the meantime
            held = storage.get_study_id_from_name(name)
            holder = storage.get_study_user_attrs(held).get("folder_id")
            if (held, holder) != seen:
                seen, since = (held, holder), time.monotonic()
            if holder == folder_id or time.monotonic() - since > STALE_S:
                storage.delete_study(held)
                continue
        time.sleep(POLL_S)
