"""Pictures of items and of collections, as WebP."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gallery.api import conditional, query
from gallery.api.conditional import FOR_EVER, REVALIDATE
from gallery.api.media import SANDBOX
from gallery.api.streams import Streamed, left
from gallery.api.wire import actor, services
from gallery.domain.thumbnails import Picture
from gallery.media.cache import FORM
from gallery.model import PIXELS, Size

T = TypeVar("T")

WEBP = "image/webp"
LARGE = 256 << 10
"""Bytes from which on a picture is sent in parts, and to so many clients at a time."""
MOST_LARGE = 32
_OF_COLLECTIONS: tuple[Size, ...] = ("small", "large")


async def show(request: Request) -> Response:
    """A picture of an item; one that is asked for by its version never changes."""
    own, id_ = services(request), query.item_id(request)
    size = query.choice(request, "size", tuple(PIXELS))
    version = query.parameters(request).get("v", "")
    remembered = own.pictures.get((id_, size, version))
    if remembered is not None:
        return await _answer(request, Picture(remembered, version), size, version)
    return await _answer(request, await _picture(request, id_, size), size, version)


async def cover(request: Request) -> Response:
    """The picture of a collection."""
    own, id_ = services(request), query.collection_id(request)
    size = query.choice(request, "size", _OF_COLLECTIONS)
    item_id = await own.thumbnails.cover_of(actor(request), id_)
    picture = await _picture(request, item_id, size)
    picture = picture._replace(version=f"{item_id:x}-{picture.version}")
    return await _answer(request, picture, size, query.parameters(request).get("v", ""))


async def _picture(request: Request, item_id: int, size: Size) -> Picture:
    """The picture: from memory, from the disk, or as soon as it is made."""
    own = services(request)
    source = await own.thumbnails.source(item_id)
    remembered = own.pictures.get((item_id, size, source.version))
    if remembered is not None:
        return Picture(remembered, source.version)
    picture = await own.thumbnails.kept(source, size)
    if picture is None:
        picture = await _unless_left(request, own.thumbnails.make(source, size))
    if picture.is_exact:
        own.pictures.keep((item_id, size, picture.version), picture.webp)
    return picture


async def _answer(request: Request, picture: Picture, size: Size, asked: str) -> Response:
    """The picture, or 304; what is of the version `asked` for is so for ever."""
    is_final = picture.is_exact and picture.version == asked
    tag = f"{FORM}-{picture.version}-{size if picture.is_exact else len(picture.webp)}"
    headers = {
        "ETag": f'W/"{tag}"',  # the same picture, though not always the same bytes
        "Cache-Control": FOR_EVER if is_final else REVALIDATE,
        "Content-Security-Policy": SANDBOX,
    }
    if conditional.has(request, tag):
        return Response(status_code=304, headers=headers)
    if len(picture.webp) <= LARGE or request.method == "HEAD":
        return Response(picture.webp, headers=headers, media_type=WEBP)
    places = services(request).large_pictures
    await _unless_left(request, places.acquire())
    headers["Content-Length"] = str(len(picture.webp))
    return Streamed(_parts(picture.webp), places.release, 200, headers, WEBP)


async def _parts(whole: bytes) -> AsyncGenerator[bytes]:
    for start in range(0, len(whole), LARGE):
        yield whole[start : start + LARGE]


async def _unless_left(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; if the client leaves before, nobody waits for it any more."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(left(request.receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        leaving.cancel()
        working.cancel()
