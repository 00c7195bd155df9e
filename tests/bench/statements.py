"""The number of SQL statements of each operation, counted in process on a small library.

The number does not depend on how many items there are; that is the reason for counting it.
"""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

import httpx

from gallery.app import create_app, started
from gallery.config import Settings
from tests.bench.client import Request
from tests.bench.dataset import MEMBERS, SEED, create_request, created, make_library
from tests.bench.reads import Case
from tests.bench.writes import CREATE, changes, sample
from tests.support.library import scanned

ITEMS = 2_000
FRAME = ("BEGIN IMMEDIATE", "COMMIT")
"""Every change has these two; they are not counted. The trace does not show them for reads."""


async def count(folder: Path, reads: Sequence[Case]) -> dict[str, int]:
    """Return the number of statements of each change and read, by name."""
    paths = make_library(folder / "library", ITEMS)
    settings = Settings(library=(str(folder / "library"),), data=str(folder / "data"))
    trace: list[str] = []
    async with (
        started(create_app(settings, trace=trace.append)) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as ours,
    ):
        await _rest(ours, trace)
        counted: dict[str, int] = {}

        async def run(what: str, request: Request) -> httpx.Response:
            trace.clear()
            answer = await _send(ours, request)
            assert answer.is_success or answer.status_code == 304, answer.text
            counted[what] = sum(statement not in FRAME for statement in trace)
            return answer

        chosen = sample(random.Random(SEED), paths)
        answer = await run(CREATE, create_request("Counted", chosen[:MEMBERS]))
        id_ = created(answer.headers["location"])
        for case in reads:
            await run(case.what, await _on(ours, id_, case.requests[0]))
        for what, request in changes(id_, chosen):
            await run(what, request)
        return counted


async def _on(ours: httpx.AsyncClient, id_: int, request: Request) -> Request:
    """Return a request of the large library for the one collection of this small one."""
    head, *tail = request.path.removeprefix("/api/collections/").partition("/")
    if head.isdecimal():
        request = request._replace(path=f"/api/collections/{id_}" + "".join(tail))
    if request.etag:
        known = await _send(ours, request._replace(etag=None))
        request = request._replace(etag=known.headers["etag"])
    return request


async def _send(ours: httpx.AsyncClient, request: Request) -> httpx.Response:
    return await ours.request(
        request.method, request.path, content=request.body, headers=request.headers()
    )


async def _rest(ours: httpx.AsyncClient, trace: list[str]) -> None:
    """Wait until the server runs no statement of its own accord."""
    async with asyncio.timeout(60):
        await scanned(ours)
        before = -1
        while before != len(trace):
            before = len(trace)
            await asyncio.sleep(0.3)
