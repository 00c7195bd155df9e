"""`/api/collections/{id}/items` and related paths: the members of collections."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gallery.api import preconditions
from gallery.api.connections import connection_of
from gallery.api.requests import cursor, query
from gallery.api.requests.bodies import LARGE_BODY, SMALL_BODY, body
from gallery.api.responses import cached
from gallery.api.responses.streams import LARGE
from gallery.api.wire import actor, done, encode, encode_page, raw_response, services
from gallery.database.engine import Tx
from gallery.domain.collections import access, members
from gallery.domain.collections.access import Versions
from gallery.domain.collections.editing import MAX_ADDED
from gallery.domain.collections.selection import Selection
from gallery.domain.sync.on_demand import write_with_a_look
from gallery.model import Actor, GivenItemId, Revision
from gallery.values.ids import CollectionId

_ID_BYTES = 20
"""Maximum length of an id in JSON."""


class ItemsInput(msgspec.Struct, rename="camel"):
    """The body that names items."""

    paths: list[str] | None = None
    item_ids: list[GivenItemId] | None = None


class MembershipsInput(msgspec.Struct):
    """The body of a lookup."""

    paths: list[str] | None = None


async def page(request: Request) -> Response:
    """Return a page of a collection's items, in order."""
    own, caller, id_ = services(request), actor(request), query.collection_id(request)
    db = own.db
    limit = query.limit(request)
    given = query.parameters(request).get("cursor")
    after = members.FIRST_POSITION
    if given is not None:
        (after,) = cursor.decode(f"{id_}", given, tuple[cursor.CursorNumber])

    async def make() -> tuple[bytes, Revision]:
        part, revision = await db.read(members.page, caller, id_, after, limit)
        own.library.prefer(part.items)
        following = None if part.next is None else cursor.encode(f"{id_}", (part.next,))
        return await encode_page(part.items, following), revision

    async def size() -> tuple[Revision, int]:
        revision, count = await db.read(access.see_size, caller, id_)
        return revision, min(count, limit)

    return await cached.answer(request, ("page", id_, after, limit), size, make)


async def add(request: Request) -> Response:
    """Append items."""
    return await _change(request, members.add, MAX_ADDED, SMALL_BODY)


async def remove(request: Request) -> Response:
    """Remove items."""
    return await _change(request, members.remove, None, SMALL_BODY)


async def order(request: Request) -> Response:
    """Put items first."""
    return await _change(request, members.order, None, LARGE_BODY)


async def _change(
    request: Request,
    use_case: Callable[[Tx, Actor, CollectionId, Versions, Selection], Awaitable[Revision]],
    at_most: int | None,
    largest_body: int,
) -> Response:
    own, id_ = services(request), query.collection_id(request)
    async with body(request, ItemsInput, largest_body) as listed:
        revision = await write_with_a_look(
            own.db,
            own.library,
            use_case,
            actor(request),
            id_,
            preconditions.allowed_versions(request),
            Selection.required(listed.paths, listed.item_ids, at_most),
        )
    return done(preconditions.headers_of(request, revision))


async def memberships(request: Request) -> Response:
    """Return the collections of each of many paths."""
    own = services(request)
    async with body(request, MembershipsInput) as looked_up:
        found = await own.memberships.of(actor(request), looked_up.paths)
        most = sum(map(len, found.values())) * _ID_BYTES
        share = await own.large.take(most if most > LARGE else 0, connection_of(request.scope))
    with ExitStack() as stack:
        stack.enter_context(share)
        answer = encode(found)
        share.resize(len(answer) if len(answer) > LARGE else 0)
        return raw_response(answer, close=stack.pop_all().close)
