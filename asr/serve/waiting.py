"""Requests wait for their turn in a queue of limited length, and are worked on in threads for a limited time."""

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from asr.serve.refusal import Refusal

Result = TypeVar("Result")
Work = Callable[[bytes, float], Result]


class WaitingRoom:
    """Receives recordings and works on them, `at_once` at a time.

    places: how many may be received, wait and be worked on together; a further one is refused. time_limit_s: of
    receiving one, and again of waiting and working. A thread cannot be stopped: its place stays taken until it ends.
    """

    def __init__(self, places: int, time_limit_s: float, at_once: int = 1) -> None:
        self.places, self.time_limit_s = places, time_limit_s
        self.taken = 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="analyse")
        self._seconds_each = 1.0  # of the last work

    async def run(self, receive: Callable[[], Awaitable[bytes]], work: Work[Result]) -> Result:
        """`work(received, until)` in a thread; until: the time.monotonic() at which nobody waits for it any more.

        Raises Refusal where no place is free (503) or the time is over (408, 504), and what `receive` and `work` raise.
        """
        with self._lock:
            if self.taken >= self.places:
                raise self._full()
            self.taken += 1
        held: list[bytes] = []  # emptied when nobody waits: the threads' queue keeps work that was cancelled
        job: Future[Result] | None = None
        try:
            held.append(await self._received(receive))
            until = time.monotonic() + self.time_limit_s
            job = self._threads.submit(self._timed, work, held, until)
            return await asyncio.wait_for(asyncio.wrap_future(job), self.time_limit_s)
        except TimeoutError as error:
            detail = f"no answer within {self.time_limit_s:g} s"
            raise Refusal(504, detail, "send a shorter recording, or try again when less is going on") from error
        finally:
            held.clear()
            if job is None:
                self._free()
            else:
                job.add_done_callback(self._free)

    async def _received(self, receive: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            return await asyncio.wait_for(receive(), self.time_limit_s)
        except TimeoutError as error:
            detail = f"the recording was not received within {self.time_limit_s:g} s"
            raise Refusal(408, detail, "send a smaller file", still_sending=True) from error

    def _timed(self, work: Work[Result], held: list[bytes], until: float) -> Result:
        begun = time.monotonic()
        try:
            return work(held.pop(), until)
        finally:
            self._seconds_each = time.monotonic() - begun

    def _free(self, _: object = None) -> None:
        with self._lock:
            self.taken -= 1

    def _full(self) -> Refusal:
        seconds = max(1, math.ceil(self._seconds_each * self.places / 2))
        detail, remedy = f"{self.places} recordings are being worked on", f"try again in {seconds} s"
        return Refusal(503, detail, remedy, {"Retry-After": str(seconds)}, still_sending=True)

    def close(self) -> None:
        """Take no more work; what waits is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)
