"""Bodies of requests: JSON, read and decoded within limits of size, time and memory."""

import asyncio
import codecs
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
from starlette.requests import Request

from gallery.api.responses.streams import LARGE
from gallery.api.wire import services
from gallery.domain.budget import Share
from gallery.errors import Invalid, TooLarge, TooSlow

T = TypeVar("T")

SMALL_BODY = 4 << 20
LARGE_BODY = 16 << 20
STALL_SECONDS = 30.0
"""Seconds that a client may send nothing. The whole body may take this plus 1 s per 64 KiB."""
MIN_BYTES_PER_SECOND = 64 << 10
MAX_BODY_BYTES = 128 << 20
"""Bytes of all large bodies that are being read."""
MAX_DECODED_BYTES = 256 << 20
"""Memory of all large bodies that are being decoded: enough for one of 16 MiB."""
DECODED_FACTOR = 16
"""Memory of a list of short strings as Python objects, as a multiple of its JSON."""
REFUSAL = "Too many large requests are under way"
_GROWTH = 1 << 20


@asynccontextmanager
async def body(
    request: Request, type_: type[T], limit: int = SMALL_BODY, if_empty: T | None = None
) -> AsyncGenerator[T]:
    """Yield the JSON body, of any Content-Type, as `type_`; `if_empty` if there is none.

    Raises `TooLarge` before more than `limit` bytes are stored, `TooSlow` if nothing arrives for
    30 s or less than 64 KiB/s on average, `Unavailable` if there is no memory for a large body,
    and `Invalid` with the place of the mistake. The end of the block releases the memory.
    """
    own = services(request)
    with await own.bodies.take(0) as reading:
        content = await _content(request, limit, reading)
        if if_empty is not None and not content:
            yield if_empty
            return
        cost = len(content) * DECODED_FACTOR if len(content) > LARGE else 0
        with await own.decoding.take(cost):
            found = _decoded(content, type_)
            del content
            reading.give_back()
            yield found


async def _content(request: Request, limit: int, share: Share) -> bytearray:
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise _too_large(limit)
    content = bytearray()
    stream, now = request.stream(), asyncio.get_running_loop().time
    latest = now() + STALL_SECONDS
    while True:
        deadline = min(now() + STALL_SECONDS, latest + len(content) / MIN_BYTES_PER_SECOND)
        try:
            async with asyncio.timeout_at(deadline):
                part = await anext(stream, None)
        except TimeoutError:
            raise TooSlow("Request body did not arrive in time") from None
        if part is None:
            return content
        if len(content) + len(part) > limit:
            raise _too_large(limit)
        content += part
        if len(content) > max(LARGE, share.amount):
            await share.grow(len(content) + _GROWTH)


def _decoded(content: bytearray, type_: type[T]) -> T:
    try:
        _check_utf8(content)
        return msgspec.json.decode(content, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"Invalid request body: {_first_line(error)}") from None


def _check_utf8(content: bytearray) -> None:
    """Raise `UnicodeDecodeError` also for fields that msgspec skips."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(content)
    for at in range(0, len(view), LARGE):
        decoder.decode(view[at : at + LARGE])
    decoder.decode(b"", final=True)


def _first_line(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error).split("\n")[0]


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"Request body is too large: at most {limit >> 20} MiB")
