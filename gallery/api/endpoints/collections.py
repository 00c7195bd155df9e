"""`/api/collections`: the collections themselves."""

from starlette.requests import Request
from starlette.responses import Response

from gallery.api import preconditions
from gallery.api.requests import query
from gallery.api.requests.bodies import LARGE_BODY, body
from gallery.api.responses import cached
from gallery.api.wire import actor, done, encode_list, extended, json_response, services
from gallery.domain.collections import access, editing
from gallery.domain.sync.on_demand import write_with_a_look
from gallery.errors import Invalid
from gallery.model import CollectionInput, ListRevision, Revision


async def index(request: Request) -> Response:
    """Return summaries of all collections that the caller may see, newest first."""
    db, caller, after = services(request).db, actor(request), query.updated_after(request)
    include = query.parameters(request).getlist("include")
    if any(name != "itemIds" for name in include):
        raise Invalid("Invalid include: only itemIds can be included")

    async def make() -> tuple[bytes, ListRevision]:
        if not include:
            listed = await db.read(editing.visible, caller, after)
            return await encode_list([one.collection for one in listed.rows]), listed.revision
        found = await db.read(editing.visible_with_members, caller, after)
        parts = [
            extended(one.collection, itemIds=await encode_list(ids)) for one, ids in found.rows
        ]
        return b"[%b]" % b",".join(parts), found.revision

    size = editing.list_size_with_members if include else editing.list_size
    return await cached.answer(
        request,
        ("list", after, bool(include)),
        lambda: db.read(size, caller, after),
        make,
    )


async def create(request: Request) -> Response:
    """Create a collection; return 201 and its summary."""
    own = services(request)
    async with body(request, CollectionInput) as given:
        made = await write_with_a_look(own.db, own.library, editing.create, actor(request), given)
    headers = preconditions.headers_of(request, made.revision)
    headers["Location"] = f"/api/collections/{made.collection.id}"
    return json_response(made.collection, 201, headers)


async def identifiers(request: Request) -> Response:
    """Return the ids of all collections that the caller may see."""
    db, caller = services(request).db, actor(request)

    async def make() -> tuple[bytes, ListRevision]:
        listed = await db.read(editing.identifiers, caller)
        return await encode_list(listed.rows), listed.revision

    return await cached.answer(
        request, "identifiers", lambda: db.read(editing.list_size, caller, None), make
    )


async def show(request: Request) -> Response:
    """Return a collection with all its items."""
    db, caller, id_ = services(request).db, actor(request), query.collection_id(request)

    async def make() -> tuple[bytes, Revision]:
        found = await db.read(editing.detail, caller, id_)
        shown = extended(
            found.collection,
            itemIds=await encode_list([item.id for item in found.items]),
            items=await encode_list(found.items),
        )
        return shown, found.revision

    return await cached.answer(
        request, ("detail", id_), lambda: db.read(access.see_size, caller, id_), make
    )


async def edit(request: Request) -> Response:
    """Rename a collection, and set the other fields of the body."""
    own, id_ = services(request), query.collection_id(request)
    async with body(request, CollectionInput, LARGE_BODY) as given:
        revision = await write_with_a_look(
            own.db,
            own.library,
            editing.edit,
            actor(request),
            id_,
            preconditions.allowed_versions(request),
            given,
        )
    return done(preconditions.headers_of(request, revision))


async def delete(request: Request) -> Response:
    """Delete a collection, never its files."""
    id_, allowed = query.collection_id(request), preconditions.allowed_versions(request)
    await services(request).db.write(editing.delete, actor(request), id_, allowed)
    return done()
