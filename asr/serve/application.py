"""The application: one page, and the JSON API that it uses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

import asr
from asr.report.page import render
from asr.serve.analysis import Analysers, Analysis
from asr.serve.files import FILES, PACKAGE
from asr.serve.headers import SafeHeaders
from asr.serve.parting import PartingAnswer
from asr.serve.refusal import Refusal
from asr.serve.upload import FIELD, receive_file
from asr.serve.waiting import WaitingRoom

SCHEMA = "/api/openapi.json"
FORM_SCHEMA = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {FIELD: {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
STATUSES = {
    400: "no form, or none with one field `file`",
    408: "received too slowly",
    413: "too long, or too many bytes",
    415: "no form, or not audio",
    422: "audio that cannot be used: cut off, silent, too short, samples that are no numbers, too many channels",
    503: "too many recordings at once; Retry-After says when to come back",
    504: "no answer within the time limit",
}


@dataclass(frozen=True)
class Limits:
    """seconds, mib: of a recording; places: recordings at once; time_limit_s: of an answer; at_once: worked on."""

    seconds: float = 120.0
    mib: float = 25.0
    places: int = 16
    time_limit_s: float = 60.0
    at_once: int = 1


@dataclass(frozen=True)
class Problem:
    """Why there is no result, and what to do about it."""

    error: str
    remedy: str


@dataclass(frozen=True)
class ModelFacts:
    """name: of its run; about: what it tells; labels: those it can tell, none for text; sample_rate: Hz."""

    name: str
    about: str
    labels: list[str]
    sample_rate: int


@dataclass(frozen=True)
class Models:
    """The models that are asked, in order, and what a recording may be."""

    models: list[ModelFacts]
    most_seconds: float
    most_mib: float


@dataclass(frozen=True)
class Health:
    """status: ok; waiting: recordings that are received, wait or are worked on; places: how many may."""

    status: str
    waiting: int
    places: int


def application(analysers: Analysers, limits: Limits | None = None) -> SafeHeaders:
    """The ASGI application that answers with what these models find."""
    limits = limits or Limits()
    room = WaitingRoom(limits.places, limits.time_limit_s, limits.at_once)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        room.close()

    app = FastAPI(
        title="asr serve",
        version=asr.__version__,
        description="What trained models find in a recording.",
        docs_url=None,  # its page loads scripts from a CDN
        redoc_url=None,
        openapi_url=SCHEMA,
        lifespan=lifespan,
    )
    answer_problems(app)
    add_pages(app)
    problems: Any = {status: {"model": Problem, "description": text} for status, text in STATUSES.items()}

    @app.post("/api/analyse", summary="Analyse a recording", responses=problems, openapi_extra=FORM_SCHEMA)
    async def analyse(request: Request) -> Analysis:
        """WAV, MP3, FLAC, Ogg or WebM with Opus, at any sample rate; nothing of it is kept."""
        receive = partial(receive_file, dict(request.headers), request.stream(), limits.mib)
        return await room.run(receive, lambda content, until: analysers(content, limits.seconds, until))

    @app.get("/api/models", summary="The models, and what a recording may be")
    async def models() -> Models:
        found = [
            ModelFacts(name, each.about, list(getattr(each, "labels", [])), each.sample_rate)
            for name, each in analysers.by_name.items()
        ]
        return Models(found, limits.seconds, limits.mib)

    @app.get("/health", summary="Whether the server is well, and how busy")
    async def health() -> Health:
        return Health("ok", room.taken, room.places)

    return SafeHeaders(app)


def answer_problems(app: FastAPI) -> None:
    """Every refusal and failure as {"error", "remedy"}; what failed inside is logged and not told."""

    def refused(_: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refusal)
        answer = PartingAnswer if refusal.still_sending else JSONResponse
        return answer(refusal.as_dict(), refusal.status, refusal.headers)

    def unknown(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, HTTPException)
        texts = {
            404: ("there is nothing at this address", "see /api for what there is"),
            405: (f"{request.method} is not what this address takes", "see /api for the method of each address"),
        }
        error, remedy = texts.get(problem.status_code, (str(problem.detail), "see /api"))
        return JSONResponse(asdict(Problem(error, remedy)), problem.status_code, problem.headers)

    def gone(_: Request, __: Exception) -> Response:
        return JSONResponse(asdict(Problem("the connection was closed", "send the file again")), 400)

    def failed(_: Request, __: Exception) -> Response:
        problem = Problem("the analysis failed", "try another recording; the server's own output says what went wrong")
        return JSONResponse(asdict(problem), 500)

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(HTTPException, unknown)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, failed)


def add_pages(app: FastAPI) -> None:
    """The page, the page of the API, and their styles and scripts: read once, never looked up on the disk."""

    def add(path: str, content: str, media_type: str) -> None:
        async def send() -> Response:
            return Response(content, media_type=media_type)

        app.add_api_route(path, send, methods=["GET"], include_in_schema=False)

    for file in FILES:
        add(f"/{file.name}", file.content, file.media_type)
    add("/", render("page.html", PACKAGE), "text/html")

    @app.get("/api", include_in_schema=False)
    async def api() -> HTMLResponse:
        return HTMLResponse(render("api.html", PACKAGE, schema=app.openapi(), address=SCHEMA, version=asr.__version__))
