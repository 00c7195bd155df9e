"""Every address that the server answers, in one table."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from gallery.api import collections, documents, library, members

Handler = Callable[[Request], Awaitable[Response]]


def resource(path: str, **handlers: Handler) -> Route:
    """One address and what each method does there. HEAD is GET without a body; all else is 405."""
    by_method = {method.upper(): handler for method, handler in handlers.items()}
    if "GET" in by_method:
        by_method["HEAD"] = by_method["GET"]

    async def answer(request: Request) -> Response:
        return await by_method[request.method](request)

    return Route(path, answer, methods=sorted(by_method))


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
        resource("/api/items", get=library.items),
        resource("/api/library", get=library.show),
        resource("/api/library/scan", post=library.scan),
        resource("/api/health", get=library.health),
        resource("/openapi.yaml", get=documents.specification),
        resource("/docs", get=documents.page),
        resource("/docs/start.js", get=documents.start),
        Mount("/docs/assets", documents.assets()),
        resource("/", get=documents.home),
    ]
