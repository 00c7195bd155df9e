"""The application in the process of the test, and its clock."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from starlette.types import ASGIApp

from gallery.app import DEFAULT_LIMITS, Limits, create_app, started
from gallery.config import Settings
from tests.support.library import scanned


class Clock:
    """A clock in milliseconds that advances only when a test sets it, or when it is read."""

    def __init__(self) -> None:
        self.now = 1_775_239_864_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


@asynccontextmanager
async def watched(
    settings: Settings, limits: Limits = DEFAULT_LIMITS
) -> AsyncGenerator[httpx.AsyncClient]:
    """Yield a client of an application that has scanned its library and watches it."""
    app = create_app(settings, scan_at_start=False, watch=True, limits=limits)
    async with started(app) as running, client_of(running) as client:
        await scanned(client)
        yield client
