"""One process at a time, of all that work on a study, on whichever machines they are."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from asr.tuning.claims import Claims

TURN = " turn"  # what the name of the mark ends with
LOOK_S = 0.05
STALE_S = 30.0  # a turn takes much less; longer, and whoever has it is gone


class Turns:
    """First among the processes of one folder, by a lock of the system; then among folders, by a mark in the storage.

    The mark is an empty study: in every storage there can be only one of a name, so whoever makes it has the turn. One
    that was left behind by a killed process is removed: by a process of the same folder at once, as it holds the lock
    that the other had; by others after STALE_S.
    """

    def __init__(self, storage: BaseStorage, name: str, claims: Claims) -> None:
        self.storage, self.name, self.claims = storage, f"{name}{TURN}", claims

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self.claims.turn():
            mark = self.make_mark()
            try:
                yield
            finally:
                with suppress(KeyError):  # we were thought gone
                    self.storage.delete_study(mark)

    def make_mark(self) -> int:
        seen, since = None, 0.0
        while True:
            try:
                mark = self.storage.create_new_study([StudyDirection.MINIMIZE], self.name)
                self.storage.set_study_user_attr(mark, "home", self.claims.home)
                return mark
            except (DuplicatedStudyError, KeyError):
                pass
            with suppress(KeyError):  # gone already
                there = self.storage.get_study_id_from_name(self.name)
                whose = self.storage.get_study_user_attrs(there).get("home")
                if (there, whose) != seen:
                    seen, since = (there, whose), time.monotonic()
                if whose == self.claims.home or time.monotonic() - since > STALE_S:
                    self.storage.delete_study(there)
                    continue
            time.sleep(LOOK_S)
