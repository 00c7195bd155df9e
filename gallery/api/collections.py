"""`/api/collections`: the collections themselves."""

from starlette.requests import Request
from starlette.responses import Response

from gallery.api import conditional, query
from gallery.api.wire import (
    LARGE_BODY,
    actor,
    done,
    encode_list,
    extended,
    json_response,
    raw_response,
    read,
    services,
)
from gallery.domain import access, collections
from gallery.domain.library import write_with_a_look
from gallery.errors import Invalid
from gallery.model import Wish


async def index(request: Request) -> Response:
    """Summaries of all that the caller may see, newest first."""
    db, who, after = services(request).db, actor(request), query.updated_after(request)
    include = request.query_params.getlist("include")
    if any(name != "itemIds" for name in include):
        raise Invalid("Invalid include: only itemIds can be included")
    if conditional.is_conditional(request):
        tag = await db.read(collections.list_tag, who, after)
        if conditional.is_fresh(request, tag):
            return conditional.not_modified(tag)
    if include:
        found = await db.read(collections.visible_with_members, who, after)
        parts = [
            extended(one.collection, itemIds=await encode_list(ids)) for one, ids in found.rows
        ]
        return raw_response(b"[%b]" % b",".join(parts), headers=conditional.headers_of(found.tag))
    listed = await db.read(collections.visible, who, after)
    summaries = [one.collection for one in listed.rows]
    return json_response(summaries, headers=conditional.headers_of(listed.tag))


async def create(request: Request) -> Response:
    """201 and the summary of a new collection."""
    own = services(request)
    wish = await read(request, Wish)
    made = await write_with_a_look(own.db, own.library, collections.create, actor(request), wish)
    headers = conditional.headers_of(made.tag)
    headers["Location"] = f"/api/collections/{made.collection.id}"
    return json_response(made.collection, 201, headers)


async def identifiers(request: Request) -> Response:
    """The ids of all that the caller may see."""
    ids, tag = await services(request).db.read(collections.identifiers, actor(request))
    if conditional.is_fresh(request, tag):
        return conditional.not_modified(tag)
    return json_response(ids, headers=conditional.headers_of(tag))


async def show(request: Request) -> Response:
    """A collection with all its items."""
    db, who, id_ = services(request).db, actor(request), query.collection_id(request)
    if conditional.is_conditional(request):
        tag = await db.read(access.see, who, id_)
        if conditional.is_fresh(request, tag):
            return conditional.not_modified(tag)
    found = await db.read(collections.detail, who, id_)
    body = extended(
        found.collection,
        itemIds=await encode_list([item.id for item in found.items]),
        items=await encode_list(found.items),
    )
    return raw_response(body, headers=conditional.headers_of(found.tag))


async def edit(request: Request) -> Response:
    """Renames a collection and sets what else the body holds."""
    own, id_ = services(request), query.collection_id(request)
    wish = await read(request, Wish, LARGE_BODY)
    tag = await write_with_a_look(
        own.db,
        own.library,
        collections.edit,
        actor(request),
        id_,
        conditional.allowed_versions(request),
        wish,
    )
    return done(conditional.headers_of(tag))


async def delete(request: Request) -> Response:
    """Deletes a collection, never its files."""
    id_, allowed = query.collection_id(request), conditional.allowed_versions(request)
    await services(request).db.write(collections.delete, actor(request), id_, allowed)
    return done()
