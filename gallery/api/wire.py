"""JSON answers, and the services that every handler needs."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gallery.api.responses.answers import Answers
from gallery.api.responses.byte_cache import ByteCache
from gallery.api.responses.streams import LARGE, InParts
from gallery.database.engine import Database, GenerationCache
from gallery.domain.budget import Budget
from gallery.domain.collections.downloads import Downloads
from gallery.domain.collections.memberships import Memberships
from gallery.domain.library.originals import Originals
from gallery.domain.pictures.thumbnails import Thumbnails
from gallery.domain.sync.library import Library
from gallery.events import Bus
from gallery.media.worker import Workers
from gallery.model import Actor
from gallery.values.times import Millis

_CHUNK = 1_000

_encoder = msgspec.json.Encoder()
encode = _encoder.encode


class Services(msgspec.Struct, frozen=True):
    """The objects that handlers use; `app.create_app` makes them."""

    db: Database
    state_cache: GenerationCache
    library: Library
    memberships: Memberships
    byte_cache: ByteCache
    originals: Originals
    downloads: Downloads
    thumbnails: Thumbnails
    workers: Workers
    pictures: ByteCache
    """Thumbnails that were requested recently."""
    large: Budget
    """Memory for large answers that are being made or sent."""
    answers: Answers
    bodies: Budget
    """Memory for large bodies that are being read."""
    decoding: Budget
    """Memory for large bodies that are decoded."""
    owner: Actor
    created_at: Millis
    """When this database was made, in milliseconds since 1970."""
    bus: Bus
    streams: asyncio.Semaphore
    """Free places for event streams."""
    stopping: asyncio.Event
    """Set when the server stops: streams without an end of their own end then."""


def services(request: Request) -> Services:
    """Return the services of the application that answers `request`."""
    found: Services = request.scope["state"]["services"]
    return found


def actor(request: Request) -> Actor:
    """Return the account that makes a request: in open mode always the built-in owner."""
    return services(request).owner


def json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return `content` as JSON: structs in camelCase, times in UTC, absent values as null."""
    return raw_response(encode(content), status, headers)


def raw_response(
    body: bytes,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    close: Callable[[], None] = lambda: None,
) -> Response:
    """Return encoded JSON. `close` is called after a large body was sent, or at once."""
    if len(body) > LARGE:
        return InParts(body, status, headers, "application/json", close)
    close()
    return Response(body, status, headers, "application/json")


def done(headers: Mapping[str, str] | None = None, status: int = 200) -> Response:
    """Return the answer to a change that has no other content."""
    return raw_response(b'{"status": "ok"}', status, headers)


def extended(struct: msgspec.Struct, **more: bytes) -> bytes:
    """Return a struct as JSON, with more members after its own; these are encoded already."""
    tail = b"".join(b',"%b":%b' % (key.encode(), value) for key, value in more.items())
    return b"%b%b}" % (_encoder.encode(struct)[:-1], tail)


async def encode_page(items: Sequence[object], next_cursor: str | None) -> bytes:
    """Return a page of a list as JSON, with the cursor of the next page."""
    return b'{"items":%b,"nextCursor":%b}' % (
        await encode_list(items),
        _encoder.encode(next_cursor),
    )


async def encode_list(content: Sequence[object]) -> bytes:
    """Return a list as JSON, made in parts, so that other requests are answered between them."""
    parts = []
    for start in range(0, len(content), _CHUNK):
        parts.append(_encoder.encode(content[start : start + _CHUNK])[1:-1])
        if start:
            await asyncio.sleep(0)
    return b"[%b]" % b",".join(parts)
