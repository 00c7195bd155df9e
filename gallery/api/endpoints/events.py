"""`/api/events`: changes as they happen, as server-sent events.

This module frames the events itself: sse-starlette ends its streams by patching the class of
uvicorn's server and looking for a signal handler, but our server stops in another way.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gallery.api.responses.streams import Endless
from gallery.api.wire import Services, actor, services
from gallery.domain.feed import Feed
from gallery.domain.sync.library import Library
from gallery.errors import Unavailable
from gallery.events import CollectionChanged, Event, ItemsChanged, Missed, RootChanged

HEARTBEAT_SECONDS = 15.0
RECONNECT_MILLISECONDS = 2_000
MAX_STREAMS = 500
"""Streams that may be open at once; one more is 503."""


class CollectionEvent(msgspec.Struct):
    """A collection was made, changed or deleted."""

    id: int


class ItemsEvent(msgspec.Struct):
    """Items directly inside these folders changed; null: in many folders of the root."""

    root: str
    folders: tuple[str, ...] | None


class LibraryEvent(msgspec.Struct):
    """The state of a root changed; `GET /api/library` shows it."""

    root: str


async def stream(request: Request) -> Response:
    """Return an endless stream of the events from now on."""
    own = services(request)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if request.method == "HEAD":
        return Response(headers=headers, media_type="text/event-stream")
    if own.streams.locked():
        raise Unavailable("Too many event streams are open")
    await own.streams.acquire()  # at once: nothing else runs since the line above
    with ExitStack() as stack:
        stack.callback(own.streams.release)
        feed = stack.enter_context(Feed(own.bus, actor(request)))
        frames = _frames(own, feed, is_reconnect="last-event-id" in request.headers)
        return Endless(frames, stack.pop_all().close, headers)


async def _frames(own: Services, feed: Feed, *, is_reconnect: bool) -> AsyncGenerator[bytes]:
    """Yield the stream until the client leaves or the server stops."""
    yield b"retry: %d\n\n" % RECONNECT_MILLISECONDS
    number = 0
    if is_reconnect:
        yield _frame(number, Missed(), own.library)
    stopping = asyncio.create_task(own.stopping.wait())
    try:
        while not stopping.done():
            following = asyncio.create_task(feed.next())
            try:
                await asyncio.wait(
                    {following, stopping},
                    timeout=HEARTBEAT_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if following.done():
                    number += 1
                    yield _frame(number, following.result(), own.library)
                elif not stopping.done():
                    yield b": still here\n\n"
            finally:
                following.cancel()
    finally:
        stopping.cancel()


def _frame(number: int, event: Event, library: Library) -> bytes:
    kind, data = _shown(event, library)
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (number, kind, msgspec.json.encode(data))


def _shown(event: Event, library: Library) -> tuple[bytes, object]:
    if isinstance(event, CollectionChanged):
        return b"collection", CollectionEvent(event.collection_id)
    if isinstance(event, ItemsChanged):
        return b"items", ItemsEvent(library.name_of(event.root_id), event.folders)
    if isinstance(event, RootChanged):
        return b"library", LibraryEvent(library.name_of(event.root_id))
    return b"resync", {}
