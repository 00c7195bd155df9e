"""The composition root: the only place that creates all objects and connects them."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anyio.lowlevel
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gallery.api.endpoints.events import MAX_STREAMS
from gallery.api.errors import HANDLERS
from gallery.api.middleware import Private, SameOrigin
from gallery.api.requests.bodies import MAX_BODY_BYTES, MAX_DECODED_BYTES
from gallery.api.requests.bodies import REFUSAL as BODY_REFUSAL
from gallery.api.responses.answers import MAX_BYTES, REFUSAL, Answers
from gallery.api.responses.byte_cache import ByteCache
from gallery.api.routes import routes
from gallery.api.wire import Services
from gallery.config import Settings
from gallery.database.engine import Database, GenerationCache, TimeSource, Trace, wall_clock
from gallery.database.open import is_postgres, open_database
from gallery.disk.roots import Root, Roots
from gallery.domain.budget import Budget
from gallery.domain.collections.downloads import MAX_DOWNLOADS, Downloads
from gallery.domain.collections.memberships import Memberships
from gallery.domain.library.originals import READ_SECONDS, Originals
from gallery.domain.people import accounts
from gallery.domain.pictures.thumbnails import (
    MAX_SECONDS,
    MAX_WAITING,
    QUICK_SECONDS,
    Thumbnails,
)
from gallery.domain.sync import roots
from gallery.domain.sync.library import Library
from gallery.events import Bus
from gallery.indexing.indexer import Indexer
from gallery.indexing.metadata_job import BATCH as READING_BATCH
from gallery.indexing.metadata_job import MAX_SECONDS as MAX_READING_SECONDS
from gallery.indexing.metadata_job import MAX_SECONDS_ALONE as MAX_READING_SECONDS_ALONE
from gallery.indexing.metadata_job import STILL_SECONDS, MetadataJob
from gallery.indexing.prerender_job import PAUSE as PRERENDER_PAUSE
from gallery.indexing.prerender_job import PrerenderJob
from gallery.indexing.supervisor import LOOK_AGAIN_SECONDS, WatchSupervisor
from gallery.media.cache import Cache
from gallery.media.worker import open_workers
from gallery.process import data_directory
from gallery.process.lock import locked
from gallery.store import times
from gallery.values.media_types import junk_filter

logger = logging.getLogger(__name__)

THUMBNAILS = "thumbnails"
RENDERED_BYTES = 32 << 20
PICTURES_BYTES = 32 << 20
LEAVE_SECONDS = 1.0
"""Seconds that a stopping server waits for background work."""
CONCURRENCY = os.cpu_count() or 1
"""Thumbnails that are rendered at once."""


class Limits(NamedTuple):
    """Limits of one application. The defaults are those of a server; only tests pass others."""

    pictures_bytes: int = PICTURES_BYTES
    concurrency: int = CONCURRENCY
    max_waiting: int = MAX_WAITING
    quick_seconds: float = QUICK_SECONDS
    max_seconds: float = MAX_SECONDS
    read_seconds: float = READ_SECONDS
    max_downloads: int = MAX_DOWNLOADS
    max_streams: int = MAX_STREAMS
    still_seconds: float = STILL_SECONDS
    reading_batch: int = READING_BATCH
    max_reading_seconds: float = MAX_READING_SECONDS
    max_reading_seconds_alone: float = MAX_READING_SECONDS_ALONE
    prerender_pause: float = PRERENDER_PAUSE
    look_again_seconds: float = LOOK_AGAIN_SECONDS


DEFAULT_LIMITS = Limits()


def create_app(
    settings: Settings,
    *,
    scan_at_start: bool = True,
    watch: bool = False,
    clock: TimeSource = wall_clock,
    trace: Trace | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Starlette:
    """Return the server as an ASGI application. Its lifespan opens and closes all resources.

    With `scan_at_start` it scans the library at start. With `watch` it scans as soon as it watches
    the library, follows all changes, and renders thumbnails ahead of requests. `clock` returns
    milliseconds since 1970. `trace` is called with every SQL statement.
    """
    stopping = asyncio.Event()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[dict[str, Services]]:
        data = data_directory.make(settings)
        disk = Roots([Root(*served) for served in settings.roots()], junk_filter(settings.ignore))
        bus = Bus()
        async with AsyncExitStack() as stack:
            holder = stack.enter_context(locked(data))
            db = await stack.enter_async_context(
                open_database(settings.database, data, bus, clock, trace)
            )
            await anyio.lowlevel.checkpoint()  # imports its backend now, not while requests wait
            db.set_newest(await db.read(times.newest))
            owner, created_at = await accounts.built_in_owner(db)
            served = Library(
                disk, await roots.register(db, disk, _options(settings, data)), holder, bus
            )
            app.state.library = served
            workers = await stack.enter_async_context(open_workers())
            thumbnails = Thumbnails(
                db,
                served,
                workers,
                Cache(data / THUMBNAILS),
                max_bytes=int(settings.thumbnails * (1 << 30)),
                concurrency=limits.concurrency,
                max_waiting=limits.max_waiting,
                quick_seconds=limits.quick_seconds,
                max_seconds=limits.max_seconds,
            )
            if scan_at_start:
                served.request_scan(accept_missing=False)
            await stack.enter_async_context(
                running(stopping, *_upkeep(db, served, settings, watch, limits))
            )
            reading = MetadataJob(
                db,
                served,
                workers,
                bus,
                still_seconds=limits.still_seconds,
                batch=limits.reading_batch,
                max_seconds=limits.max_reading_seconds,
                max_seconds_alone=limits.max_reading_seconds_alone,
            )
            await stack.enter_async_context(running(stopping, reading.run()))
            if watch:
                ahead = PrerenderJob(
                    db,
                    served,
                    thumbnails,
                    bus,
                    concurrency=limits.concurrency,
                    pause=limits.prerender_pause,
                )
                await stack.enter_async_context(running(stopping, ahead.run()))
            large = Budget(MAX_BYTES, REFUSAL)
            yield {
                "services": Services(
                    db=db,
                    state_cache=GenerationCache(db),
                    library=served,
                    memberships=Memberships(db),
                    byte_cache=ByteCache(RENDERED_BYTES),
                    originals=Originals(disk, read_seconds=limits.read_seconds),
                    downloads=Downloads(
                        db,
                        disk,
                        max_downloads=limits.max_downloads,
                        read_seconds=limits.read_seconds,
                    ),
                    thumbnails=thumbnails,
                    workers=workers,
                    pictures=ByteCache(limits.pictures_bytes),
                    large=large,
                    answers=Answers(large),
                    bodies=Budget(MAX_BODY_BYTES, BODY_REFUSAL),
                    decoding=Budget(MAX_DECODED_BYTES, BODY_REFUSAL),
                    owner=owner,
                    created_at=created_at,
                    bus=bus,
                    streams=asyncio.Semaphore(limits.max_streams),
                    stopping=stopping,
                )
            }

    app = Starlette(
        routes=routes(),
        middleware=[Middleware(Private), Middleware(SameOrigin, host_names=settings.host_name)],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.state.stopping = stopping  # set when the server stops, to end event streams
    app.router.redirect_slashes = False  # a redirect would repeat the Host that the client sent
    return app


def _options(settings: Settings, data: Path) -> list[str]:
    """Return the options by which a command finds this data directory and database."""
    # The URL of the database may contain a password.
    database = ["--database", "…"] if is_postgres(settings.database) else []
    return ["--data", str(data), *database]


def _upkeep(
    db: Database, library: Library, settings: Settings, watch: bool, limits: Limits
) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield the background work that keeps the index up to date."""
    for served in library.roots.values():
        yield Indexer(db, library, served, settings.poll or settings.rescan).run()
        if watch:
            yield WatchSupervisor(
                served,
                settings.ignore,
                is_watching=not settings.poll,
                look_again_seconds=limits.look_again_seconds,
            ).run()


@asynccontextmanager
async def started(app: Starlette) -> AsyncGenerator[ASGIApp]:
    """Run the lifespan of `app` around the block, and yield the application with its state."""
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = state
            await app(scope, receive, send)

        yield with_state


@asynccontextmanager
async def running(
    stopping: asyncio.Event, *works: Coroutine[Any, Any, None]
) -> AsyncGenerator[None]:
    """Run `works` in the background until the block ends, then cancel them and wait for them.

    A server that is `stopping` waits at most one second, because a disk may hang.
    """
    tasks = [asyncio.create_task(work) for work in works]
    for task in tasks:
        task.add_done_callback(_report)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        timeout = LEAVE_SECONDS if stopping.is_set() else None
        _done, left = await asyncio.wait(tasks, timeout=timeout)
        if left:
            logger.warning("%d background tasks did not end in time", len(left))


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        logger.error("a background task failed", exc_info=error)
