"""The application behind an address, until it is interrupted."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from asr.errors import UserError

MOST_CONNECTIONS = 512  # further ones are refused with 503
SHUTDOWN_S = 5  # that answers under way are waited for


def listen(host: str, port: int) -> socket.socket:
    """A socket at an address, port 0 for any that is free; UserError where it cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        remedy = "choose another --port, or --host 127.0.0.1"
        raise UserError(f"http://{host}:{port} cannot be served ({said}): {remedy}") from error


def address_of(listening: socket.socket) -> str:
    """As a person types it into a browser."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: ASGIApp, listening: socket.socket, on_start: Callable[[uvicorn.Server], None] | None = None) -> None:
    """Answer requests until the process is interrupted, or until `should_exit` of the server is set."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=SHUTDOWN_S,
        ws="none",
    )
    server = uvicorn.Server(config)
    if on_start is not None:
        on_start(server)
    server.run(sockets=[listening])
