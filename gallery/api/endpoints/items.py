"""`/api/items` and `/api/folders`: browsing the library."""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gallery.api.requests import cursor, query
from gallery.api.responses.answers import ROW_BYTES
from gallery.api.responses.byte_cache import digest
from gallery.api.responses.encodings import accepts_gzip, compress
from gallery.api.responses.streams import LARGE
from gallery.api.wire import actor, encode_page, json_response, raw_response, services
from gallery.domain.library import browsing
from gallery.domain.library.browsing import ItemPart, ItemSlice
from gallery.errors import Invalid
from gallery.model import FolderPage, ItemPage
from gallery.values import paths
from gallery.values.criteria import KEYS, Criteria
from gallery.values.ids import ItemId

_PAGING = ("limit", "cursor")
_FILTER = frozenset(KEYS) - {"limit"}
_ORDER = frozenset({"sort", "order"})
INDEX_KEYS = ("path", *_PAGING, *_FILTER)
FOLDER_KEYS = ("path", *_PAGING, *_ORDER)
_DAY_MILLISECONDS = 24 * 3_600_000
_Day = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
"""Days since 1970."""


async def index(request: Request) -> Response:
    """Return a page of the items that meet the criteria; with `path`, only the item there."""
    own, caller = services(request), actor(request)
    path = query.parameters(request).get("path")
    if path is not None:
        query.limit(request)
        query.criteria_of(request, allowed=(), others=("path", "limit"))
        part = await own.db.read(browsing.at, paths.parse(path))
        own.library.prefer(part.items)
        return json_response(ItemPage(part.items, None))
    criteria = query.criteria_of(request, allowed=_FILTER, others=_PAGING)
    list_id = msgspec.json.encode(criteria).decode()
    slice_ = _slice(request, list_id, criteria)

    async def make() -> bytes:
        part = await own.db.read(browsing.page, caller, criteria, slice_)
        own.library.prefer(part.items)
        return await encode_page(part.items, _next(list_id, slice_, part))

    return await _current(request, (caller.id, list_id, slice_), slice_.limit, make)


async def folder(request: Request) -> Response:
    """Return a folder: its folders first, then a page of the items directly inside."""
    own = services(request)
    path = paths.parse_folder(query.parameters(request).get("path", ""))
    order = query.criteria_of(request, allowed=_ORDER, others=("path", *_PAGING))
    if order.sort is None:
        order = msgspec.structs.replace(order, sort="name")
    list_id = f"{path}/{msgspec.json.encode(order).decode()}"
    after_folder, slice_ = _folder_slice(request, list_id, order)

    async def make() -> bytes:
        found = await own.db.read(browsing.folder, path, order, slice_, after_folder)
        own.library.prefer(found.part.items)
        shown = FolderPage(
            path,
            paths.name(path),
            paths.parent(path) if path else None,
            found.folders,
            found.part.items,
            _next(list_id, slice_, found.part)
            if found.next_folder is None
            else cursor.encode(list_id, (slice_.day, found.next_folder)),
        )
        return msgspec.json.encode(shown)

    return await _current(request, (list_id, slice_, after_folder), slice_.limit, make)


async def _current(
    request: Request, key: object, limit: int, make: Callable[[], Awaitable[bytes]]
) -> Response:
    """Return a page. Call `make` only if the database may have changed since the last call."""
    own = services(request)
    generation = own.db.generation
    is_gzip = accepts_gzip(request)
    digested = digest((generation, key, is_gzip))
    kept = None if generation is None else own.byte_cache.get(digested)
    if kept is not None and len(kept) <= LARGE:
        return raw_response(kept)

    async def make_and_keep() -> tuple[bytes, None]:
        page = kept
        if page is None:
            page = await make()
            if is_gzip:
                page = await compress(page)
            if generation is not None:
                own.byte_cache.keep(digested, page)
        return page, None

    if generation is None:
        digested = os.urandom(16)  # other servers may write: no answer is shared
    cost = limit * ROW_BYTES if kept is None else len(kept)
    return (await own.answers.get(request, digested, cost, make_and_keep)).response({})


async def show(request: Request) -> Response:
    """Return all properties of an item."""
    own = services(request)
    found = await own.db.read(browsing.detail, actor(request), query.item_id(request))
    own.library.prefer([found])
    return json_response(found)


def _slice(request: Request, list_id: str, order: Criteria) -> ItemSlice:
    """Return the requested part of a list. All parts of a shuffle have the day of the first."""
    limit, given = query.limit(request), query.parameters(request).get("cursor")
    if given is None:
        return ItemSlice(None, limit, services(request).db.now() // _DAY_MILLISECONDS)
    if order.sort == "name":
        day, name, id_ = cursor.decode(
            list_id, given, tuple[_Day, cursor.Text, cursor.CursorNumber]
        )
        return ItemSlice((name, ItemId(id_)), limit, day)
    day, key, id_ = cursor.decode(
        list_id, given, tuple[_Day, cursor.CursorNumber, cursor.CursorNumber]
    )
    return ItemSlice((key, ItemId(id_)), limit, day)


def _folder_slice(request: Request, list_id: str, order: Criteria) -> tuple[str | None, ItemSlice]:
    """Return the folder after which the page begins, if any, and the part of the items."""
    given = query.parameters(request).get("cursor")
    if given is not None:
        with suppress(Invalid):  # a cursor of the items, or an invalid one
            day, after = cursor.decode(list_id, given, tuple[_Day, cursor.Text])
            return after, ItemSlice(None, query.limit(request), day)
    return None, _slice(request, list_id, order)


def _next(list_id: str, slice_: ItemSlice, part: ItemPart) -> str | None:
    return None if part.next is None else cursor.encode(list_id, (slice_.day, *part.next))
