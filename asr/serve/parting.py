"""An answer to somebody who is still sending."""

import asyncio
from contextlib import suppress

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

MOST_BYTES, MOST_SECONDS = 1 << 28, 5.0  # that are thrown away


class PartingAnswer(JSONResponse):
    """Throws away what still comes in for a while after the answer, then closes the connection.

    Closed at once, it would be reset, and the sender would never read why (RFC 9112, section 9.6).
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with suppress(TimeoutError):  # closed all the same
            await asyncio.wait_for(discard(receive), MOST_SECONDS)
        await send({"type": "http.response.body", "body": b""})


async def discard(receive: Receive) -> None:
    """Read the rest of a request's body, or the first part of it, and keep nothing."""
    received = 0
    while received < MOST_BYTES:
        message = await receive()
        received += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return
