"""Bodies in and out: JSON with limits, and the services that every handler needs."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gallery.api.rendered import Rendered
from gallery.database.engine import Database, Memo
from gallery.domain.downloads import Downloads
from gallery.domain.library import Library
from gallery.domain.memberships import Memberships
from gallery.domain.originals import Originals
from gallery.domain.thumbnails import Thumbnails
from gallery.errors import Invalid, TooLarge, TooSlow
from gallery.events import Bus
from gallery.media.worker import Workers
from gallery.model import Actor

T = TypeVar("T")

SMALL_BODY = 4 << 20
LARGE_BODY = 16 << 20
STALL_SECONDS = 30.0
_CHUNK = 1_000

_encoder = msgspec.json.Encoder()


class Services(msgspec.Struct, frozen=True):
    """What handlers work with; made by `app.create_app`."""

    db: Database
    memo: Memo
    library: Library
    memberships: Memberships
    rendered: Rendered
    originals: Originals
    downloads: Downloads
    thumbnails: Thumbnails
    workers: Workers
    pictures: Rendered
    """Thumbnails that were asked for a moment ago."""
    large_pictures: asyncio.Semaphore
    """How many more may be sent at once."""
    owner: Actor
    born: int
    """When this database was made, in milliseconds since 1970."""
    bus: Bus
    streams: asyncio.Semaphore
    """How many more event streams may be opened."""
    stopping: asyncio.Event
    """Set when the server is told to stop: what has no end by itself ends then."""


def services(request: Request) -> Services:
    """The services of the application that answers `request`."""
    found: Services = request.scope["state"]["services"]
    return found


def actor(request: Request) -> Actor:
    """Who asks: in open mode always the built-in owner."""
    return services(request).owner


async def read(
    request: Request, type_: type[T], limit: int = SMALL_BODY, if_empty: T | None = None
) -> T:
    """The body as `type_`, read as JSON whatever its Content-Type; `if_empty` if there is none.

    Raises `TooLarge` before more than `limit` bytes are kept, `TooSlow` when nothing arrives for
    30 s, and `Invalid` with the place of the mistake.
    """
    body = await _body(request, limit)
    if if_empty is not None and not body:
        return if_empty
    try:
        return msgspec.json.decode(body.decode(), type=type_)  # UTF-8 where it is ignored, too
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"Invalid request body: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error).split("\n")[0]


async def _body(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(STALL_SECONDS):
                part = await anext(stream, None)
        except TimeoutError:
            raise TooSlow("Request body did not arrive in time") from None
        if part is None:
            return b"".join(parts)
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"Request body is too large: at most {limit >> 20} MiB")


def json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`content` as JSON; structs in camelCase, times in UTC, absent values as null."""
    return raw_response(_encoder.encode(content), status, headers)


def raw_response(
    body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """JSON that is encoded already."""
    return Response(body, status, headers, "application/json")


def done(headers: Mapping[str, str] | None = None, status: int = 200) -> Response:
    """What every mutation answers that has nothing else to say."""
    return raw_response(b'{"status": "ok"}', status, headers)


def extended(struct: msgspec.Struct, **more: bytes) -> bytes:
    """A struct as JSON, with more members behind its own; theirs are encoded already."""
    tail = b"".join(b',"%b":%b' % (key.encode(), value) for key, value in more.items())
    return b"%b%b}" % (_encoder.encode(struct)[:-1], tail)


async def encode_page(items: Sequence[object], next_cursor: str | None) -> bytes:
    """A page of a list as JSON, and what asks for the next one."""
    return b'{"items":%b,"nextCursor":%b}' % (
        await encode_list(items),
        _encoder.encode(next_cursor),
    )


async def encode_list(content: Sequence[object]) -> bytes:
    """A JSON list, made in parts, so that other requests are answered between them."""
    parts = []
    for start in range(0, len(content), _CHUNK):
        parts.append(_encoder.encode(content[start : start + _CHUNK])[1:-1])
        if start:
            await asyncio.sleep(0)
    return b"[%b]" % b",".join(parts)
