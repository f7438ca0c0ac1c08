"""`asr serve`: trained models behind a page and a JSON API."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from asr.configuration.entry import exit_status
from asr.errors import UserError
from asr.screen import console, print_notes

INSTALL = "pip install 'asr-from-scratch[server]'"
LOCAL = ("127.0.0.1", "::1", "localhost")


def serve(
    model: Annotated[list[Path], typer.Option(help="A trained model: RUN_DIR/model. Several may be given.")],
    host: Annotated[str, typer.Option(help="0.0.0.0: for other machines too.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    max_seconds: Annotated[float, typer.Option(min=0.1, help="The longest recording.")] = 120.0,
    max_mib: Annotated[float, typer.Option(min=0.01, help="The biggest file.")] = 25.0,
    queue: Annotated[int, typer.Option(min=1, help="Recordings at once, those that wait included.")] = 16,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds until a request without an answer ends.")] = 60.0,
    least_probability: Annotated[
        float | None, typer.Option(help="Below it a label is “uncertain”: 0.4. Default: never.")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Recordings that are worked on side by side.")] = 1,
) -> None:
    """Show on a page, and tell programs, what models hear in a recording: text, speaker, emotion."""
    with exit_status():
        for package in ("fastapi", "uvicorn", "python_multipart"):
            if importlib.util.find_spec(package) is None:
                raise UserError(f"asr serve takes {package}, which is not installed: {INSTALL}")
        from asr.serve.analysis import load_analysers
        from asr.serve.application import Limits, application
        from asr.serve.server import address_of, listen
        from asr.serve.server import serve as answer_requests

        analysers = load_analysers(model, least_probability)
        app = application(analysers, Limits(max_seconds, max_mib, queue, time_limit, at_once))
        screen = console()
        with listen(host, port) as listening:
            if host not in LOCAL:
                print_notes(screen, ["anybody who reaches this address may use it: there is no login"])
            told = ", ".join(f"{each.about} ({name})" for name, each in analysers.by_name.items())
            screen.print(f"{address_of(listening)} tells: {told}", highlight=False, markup=False, soft_wrap=True)
            answer_requests(app, listening)
