"""Thumbnails of items and covers of collections, as WebP."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gallery.api import preconditions
from gallery.api.endpoints.media import SANDBOX
from gallery.api.preconditions import IMMUTABLE, REVALIDATE
from gallery.api.requests import query
from gallery.api.responses.answers import MadeAnswer
from gallery.api.responses.byte_cache import digest
from gallery.api.responses.streams import LARGE, left
from gallery.api.wire import actor, services
from gallery.domain.pictures.thumbnails import FoundPicture
from gallery.media.cache import FORMAT_VERSION
from gallery.model import PIXELS, Size
from gallery.values.ids import ItemId

T = TypeVar("T")

WEBP = "image/webp"
_COSTS: Mapping[Size, int] = {"small": 0, "medium": 0, "large": 1 << 20, "full": 16 << 20}
"""Bytes taken from the budget before a thumbnail is read or rendered: its length is unknown."""
_OF_COLLECTIONS: tuple[Size, ...] = ("small", "large")


async def show(request: Request) -> Response:
    """Return a thumbnail of an item; one that is requested by its version never changes."""
    own, id_ = services(request), query.item_id(request)
    size = query.choice(request, "size", tuple(PIXELS))
    version = query.parameters(request).get("v", "")
    remembered = own.pictures.get(digest((id_, size, version)))
    if remembered is not None and len(remembered) <= LARGE:
        return _answer(
            request, MadeAnswer(remembered, FoundPicture(remembered, version)), size, version
        )
    return _answer(request, await _picture(request, id_, size), size, version)


async def cover(request: Request) -> Response:
    """Return the cover of a collection."""
    own, id_ = services(request), query.collection_id(request)
    size = query.choice(request, "size", _OF_COLLECTIONS)
    item_id = await own.thumbnails.cover_of(actor(request), id_)
    made = await _picture(request, item_id, size)
    made.about = made.about._replace(version=f"{item_id:x}-{made.about.version}")
    return _answer(request, made, size, query.parameters(request).get("v", ""))


async def _picture(request: Request, item_id: ItemId, size: Size) -> MadeAnswer[FoundPicture]:
    """Return the thumbnail from memory, from the disk, or as soon as it is rendered."""
    own = services(request)
    source = await own.thumbnails.source(item_id)
    key = digest((item_id, size, source.picture_version))
    remembered = own.pictures.get(key)
    cost = _COSTS[size] if remembered is None else len(remembered)

    async def make() -> tuple[bytes, FoundPicture]:
        if remembered is not None:
            return remembered, FoundPicture(remembered, source.picture_version)
        picture = await own.thumbnails.kept(source, size)
        if picture is None:
            making = own.thumbnails.make(source, size)
            picture = await (making if cost > LARGE else _unless_left(request, making))
        if picture.is_exact:
            own.pictures.keep(digest((item_id, size, picture.version)), picture.webp)
        return picture.webp, picture

    getting = own.answers.get(request, key, cost, make)
    return await (_unless_left(request, getting) if cost > LARGE else getting)


def _answer(request: Request, made: MadeAnswer[FoundPicture], size: Size, asked: str) -> Response:
    """Return the thumbnail, or 304. The one of the version `asked` for never changes."""
    picture = made.about
    is_final = picture.is_exact and picture.version == asked
    tag = f"{FORMAT_VERSION}-{picture.version}-{size if picture.is_exact else len(picture.webp)}"
    headers = {
        "ETag": f'W/"{tag}"',  # the same picture, though not always the same bytes
        "Cache-Control": IMMUTABLE if is_final else REVALIDATE,
        "Content-Security-Policy": SANDBOX,
    }
    if preconditions.has(request, tag):
        made.close()
        return Response(status_code=304, headers=headers)
    return made.response(headers, WEBP)


async def _unless_left(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`. If the client leaves before, cancel it.

    Raises `ClientDisconnect` in that case.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        leaving.cancel()
        working.cancel()
