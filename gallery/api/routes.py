"""Every address that the server answers, in one table."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from gallery.api import (
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

Handler = Callable[[Request], Awaitable[Response]]


class Anything(Convertor[str]):
    """The rest of an address, whatever is in it: file names may hold slashes and newlines here."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", Anything())


class Resource:
    """What one address does, method by method. HEAD is GET without a body; all else is 405."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.handlers = {method.upper(): handler for method, handler in handlers.items()}
        if "GET" in self.handlers:
            self.handlers["HEAD"] = self.handlers["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self.handlers.get(scope["method"])
        if handler is None:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self.handlers))})
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)


def resource(path: str, **handlers: Handler) -> Route:
    """A route that takes every method, so that no later address is tried for another one."""
    return Route(path, Resource(handlers))


def routes() -> list[BaseRoute]:
    """The table. Fixed names stand before ids, so that a name is never taken for an id."""
    return [
        resource("/api/collections", get=collections.index, post=collections.create),
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
            get=members.page,
            post=members.add,
            delete=members.remove,
        ),
        resource("/api/collections/{id}/order", put=members.order),
        resource("/api/collections/{id}/cover", get=thumbnails.cover),
        resource("/api/collections/{id}/download", get=downloads.collection),
        resource("/api/folders", get=items.folder),
        resource("/api/items", get=items.index),
        resource("/api/items/{id}", get=items.show),
        resource("/api/items/{id}/thumbnail", get=thumbnails.show),
        resource("/api/library", get=library.show),
        resource("/api/library/scan", post=library.scan),
        resource("/api/events", get=events.stream),
        resource("/api/health", get=library.health),
        resource("/media/{path:anything}", get=media.original),
        resource("/openapi.yaml", get=documents.specification),
        resource("/docs", get=documents.page),
        resource("/docs/start.js", get=documents.start),
        resource("/docs/assets/{name}", get=documents.asset),
        resource("/", get=documents.home),
    ]
