"""`python -m hearth.compute.runner`: runs jobs in the container that it is started in.

Where Airflow and the stages live in images of their own, one runner stands in each stage's image
and starts jobs as processes of its container, as the local backend does on a machine. It serves
the methods of `hearth.compute.backend.Backend` over HTTP, to whoever has its token:

    PUT  /jobs/NAME          a JobRequest; answers the JobHandle
    GET  /jobs/NAME          the JobHandle, or 404
    POST /jobs/NAME/status   a JobHandle; answers the JobStatus
    POST /jobs/NAME/cancel   a JobHandle, `?grace=` seconds; answers the JobStatus
    POST /jobs/NAME/log      a JobHandle, `?cursor=`; answers the LogChunk
    GET  /health             open to all: whether it answers

What it refuses for good is a 422, what to try again later a 503; the body says why.
"""

from __future__ import annotations

import hmac
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hearth.compute.backend import Backend, JobHandle, JobRequest
from hearth.compute.local import LocalBackend
from hearth.compute.settle import stop_all
from hearth.errors import HearthError, TransientError
from hearth.settings import settings

log = logging.getLogger(__name__)

HEALTH: Final = "/health"
PORT: Final = 8787
REFUSED: Final = 422
UNAVAILABLE: Final = 503
_STOP_SECONDS: Final = 20.0


def application(backend: Backend, token: str) -> Starlette:
    """Return the web application.

    Args:
        backend: what runs the jobs.
        token: what a client must show as its bearer token.
    """

    async def submit(request: Request) -> Response:
        wanted = JobRequest.model_validate_json(await request.body())
        if wanted.name != request.path_params["name"]:
            return PlainTextResponse("the job's name is not the address's", REFUSED)
        return _json(await run_in_threadpool(backend.submit, wanted))

    async def find(request: Request) -> Response:
        handle = await run_in_threadpool(backend.find, request.path_params["name"])
        return _json(handle) if handle else PlainTextResponse("no such job", 404)

    async def status(request: Request) -> Response:
        return _json(await run_in_threadpool(backend.status, await _handle(request)))

    async def cancel(request: Request) -> Response:
        grace = float(request.query_params["grace"])
        return _json(await run_in_threadpool(backend.cancel, await _handle(request), grace))

    async def logs(request: Request) -> Response:
        cursor = request.query_params.get("cursor", "")
        return _json(await run_in_threadpool(backend.logs, await _handle(request), cursor))

    async def health(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def guard(request: Request, call_next: RequestResponseEndpoint) -> Response:
        shown = request.headers.get("authorization", "")
        if request.url.path != HEALTH and not hmac.compare_digest(
            shown.encode(), f"Bearer {token}".encode()
        ):
            return PlainTextResponse("the token is not the runner's", 401)
        return await call_next(request)

    return Starlette(
        routes=[
            Route("/jobs/{name}", submit, methods=["PUT"]),
            Route("/jobs/{name}", find, methods=["GET"]),
            Route("/jobs/{name}/status", status, methods=["POST"]),
            Route("/jobs/{name}/cancel", cancel, methods=["POST"]),
            Route("/jobs/{name}/log", logs, methods=["POST"]),
            Route(HEALTH, health),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=guard)],
        exception_handlers={
            TransientError: _unavailable,
            HearthError: _refused,
            ValidationError: _refused,
            ValueError: _refused,
        },
    )


async def _handle(request: Request) -> JobHandle:
    return JobHandle.model_validate_json(await request.body())


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")


async def _refused(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), REFUSED)


async def _unavailable(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), UNAVAILABLE)


def main(
    environment: Annotated[str, typer.Argument(help="Which environment of jobs this one is.")],
    token_file: Annotated[Path, typer.Option(help="The file that holds the token.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = PORT,
) -> None:
    """Run jobs here for whoever has the token; SIGTERM ends them, worth another attempt."""
    jobs = settings().home / "jobs"
    backend = LocalBackend(jobs, {environment: Path(sys.executable)})
    token = token_file.read_text(encoding="utf-8").strip()
    # uvicorn raises the signal that stopped it once more when it is done: that must not end us.
    signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        uvicorn.run(application(backend, token), host=host, port=port, access_log=False)
    finally:
        for name in stop_all(jobs, _STOP_SECONDS):
            log.warning("job %s: ended, because its runner ends", name)


if __name__ == "__main__":
    typer.run(main)
