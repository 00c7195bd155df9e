"""Every path that the server answers, in one table."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from gallery.api.endpoints import (
    collections,
    documents,
    downloads,
    events,
    items,
    library,
    media,
    members,
    thumbnails,
)
from gallery.api.requests import query
from gallery.api.responses import encodings

Handler = Callable[[Request], Awaitable[Response]]


class Anything(Convertor[str]):
    """The rest of a path, with any characters: slashes and newlines are allowed."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", Anything())


class Operation(NamedTuple):
    """The handler of a method, and the query keys that it accepts."""

    handler: Handler
    keys: frozenset[str] = frozenset()


class Resource:
    """The operations of one path, by method. HEAD is GET without a body; other methods are 405.

    A query key that the operation does not accept is 400.
    """

    def __init__(self, handlers: Mapping[str, Operation]) -> None:
        self.handlers = {method.upper(): handler for method, handler in handlers.items()}
        if "GET" in self.handlers:
            self.handlers["HEAD"] = self.handlers["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = self.handlers.get(scope["method"])
        if operation is None:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self.handlers))})
        request = Request(scope, receive, send)
        if scope["query_string"]:
            query.check_keys(request, operation.keys)
        response = await encodings.encoded(request, await operation.handler(request))
        await response(scope, receive, send)


def resource(path: str, **handlers: Handler | Operation) -> Route:
    """Return a route that takes every method, so that no later route is tried for another one."""
    operations = {
        method: each if isinstance(each, Operation) else Operation(each)
        for method, each in handlers.items()
    }
    return Route(path, Resource(operations))


def takes(handler: Handler, *keys: str) -> Operation:
    """Return the operation of a handler that accepts these query keys."""
    return Operation(handler, frozenset(keys))


def routes() -> list[BaseRoute]:
    """Return the table. Fixed names come before ids, so that a name is never taken for an id."""
    return [
        resource(
            "/api/collections",
            get=takes(collections.index, "updatedAfter", "updated_after", "include"),
            post=collections.create,
        ),
        resource("/api/collections/memberships", post=members.memberships),
        resource("/api/collections/identifiers", get=collections.identifiers),
        resource(
            "/api/collections/{id}",
            get=collections.show,
            put=collections.edit,
            delete=collections.delete,
        ),
        resource(
            "/api/collections/{id}/items",
            get=takes(members.page, "limit", "cursor"),
            post=members.add,
            delete=members.remove,
        ),
        resource("/api/collections/{id}/order", put=members.order),
        resource("/api/collections/{id}/cover", get=takes(thumbnails.cover, "size", "v")),
        resource("/api/collections/{id}/download", get=downloads.collection),
        resource("/api/folders", get=takes(items.folder, *items.FOLDER_KEYS)),
        resource("/api/items", get=takes(items.index, *items.INDEX_KEYS)),
        resource("/api/items/{id}", get=items.show),
        resource("/api/items/{id}/thumbnail", get=takes(thumbnails.show, "size", "v")),
        resource("/api/library", get=library.show),
        resource("/api/library/scan", post=library.scan),
        resource("/api/events", get=events.stream),
        resource("/api/health", get=library.health),
        resource("/media/{path:anything}", get=takes(media.original, "download")),
        resource("/openapi.yaml", get=documents.specification),
        resource("/docs", get=documents.page),
        resource("/docs/start.js", get=documents.start),
        resource("/docs/assets/{name}", get=documents.asset),
        resource("/favicon.ico", get=documents.icon),
        resource("/", get=documents.home),
    ]
