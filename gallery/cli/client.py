"""The command line as a client of the API.

It uses the running server, through the socket in the data directory. Without one, it takes the lock
of the data directory and runs the same application in its own process.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import click
import httpx

from gallery.app import create_app, started
from gallery.config import Settings
from gallery.errors import StartRefused
from gallery.logs import escaped
from gallery.model import INDEXING
from gallery.process import data_directory
from gallery.process.progress import Steps
from gallery.server import SOCKET, run
from gallery.store.library.problems import MAX_NAMED

POLL_SECONDS = 0.2
MAX_QUIET_SECONDS = 10.0
"""Seconds to wait for unread files while none is read: another program still writes to them."""


def scan(settings: Settings, *, accept_missing: bool) -> None:
    """Scan every root, show the progress, and print the result."""
    try:
        run(_scan(settings, accept_missing=accept_missing))
    except httpx.HTTPError as error:
        raise StartRefused(f"The server went away: {type(error).__name__}") from None


async def _scan(settings: Settings, *, accept_missing: bool) -> None:
    async with connected(settings) as client:
        answer = await client.post("/api/library/scan", json={"acceptMissing": accept_missing})
        _check(answer)
        await _watch(client)
        roots = _check(await client.get("/api/library")).json()["roots"]
    for root in roots:
        named = len(root["problems"])
        count = named + max(root["problemCount"] - MAX_NAMED, 0)
        click.echo(
            f"{root['name'] or 'library'}: {root['state']}, {root['itemCount']:,} items, "
            f"{root['missingCount']:,} missing, {count:,} problems"
        )
        for problem in root["problems"]:
            click.echo(escaped(f"  {problem['path']}: {problem['reason']}"))
        if count > named:
            click.echo(f"  and {count - named:,} more; the filter hasProblem lists them all")
        if _awaits_reading(root):
            click.echo("  files that are still being written are read later")
    if any(root["state"] == "offline" for root in roots):
        raise StartRefused("A folder is offline: nothing in it was marked missing")


async def _watch(client: httpx.AsyncClient) -> None:
    """Show the progress until everything is listed and read.

    After listing there is a pause: a file is read once it has not changed for a while.
    """
    until = time.monotonic() + MAX_QUIET_SECONDS
    with Steps(INDEXING) as steps:
        while True:
            roots = _check(await client.get("/api/library")).json()["roots"]
            each = [root["progress"] for root in roots if root["progress"]]
            if steps.show((it["phase"], it["done"], it["total"]) for it in each):
                until = time.monotonic() + MAX_QUIET_SECONDS
            elif time.monotonic() > until or not any(map(_awaits_reading, roots)):
                return
            await asyncio.sleep(POLL_SECONDS)


def _awaits_reading(root: dict[str, Any]) -> bool:
    return bool(root["hasUnread"]) and root["state"] != "offline"


@asynccontextmanager
async def connected(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    """Yield a client of the running server of this library, or of one in this process."""
    local = data_directory.make(settings) / SOCKET
    async with _client(httpx.AsyncHTTPTransport(uds=str(local))) as client:
        if await _answers(client):
            yield client
            return
    app = create_app(settings, scan_at_start=False)
    async with started(app) as in_process, _client(httpx.ASGITransport(in_process)) as client:
        yield client


def _client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=30.0)


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        await client.get("/api/health")
    except httpx.ConnectError:
        return False
    return True


def _check(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        raise StartRefused(f"The server refuses: {answer.text}")
    return answer
