"""Answers to errors, and the only table of their status codes."""

import logging

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from gallery import errors
from gallery.api.wire import json_response

logger = logging.getLogger(__name__)

_STATUS: dict[type[errors.GalleryError], int] = {
    errors.Invalid: 400,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.TooSlow: 408,
    errors.Conflict: 409,
    errors.Changed: 412,
    errors.TooLarge: 413,
    errors.RangeNotSatisfiable: 416,
    errors.Unavailable: 503,
}
_AS_JSON = (errors.Conflict, errors.Changed)
_RETRY_AFTER = {"Retry-After": "2"}
# The rest of the body is not read, so the connection cannot be used again.
_CLOSE = {"Connection": "close"}


async def refuse(_request: Request, error: Exception) -> Response:
    """Return the answer to a `GalleryError`: conflicts as JSON, all others as one line."""
    assert isinstance(error, errors.GalleryError)
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), None)
    if status is None:
        raise error
    if isinstance(error, _AS_JSON):
        return json_response({"error": error.message}, status)
    return PlainTextResponse(error.message, status, _headers(error, status))


def _headers(error: errors.GalleryError, status: int) -> dict[str, str] | None:
    if isinstance(error, errors.RangeNotSatisfiable):
        return {"Content-Range": f"bytes */{error.size}"}
    return _RETRY_AFTER if status == 503 else _CLOSE if status in (408, 413) else None


async def refuse_route(_request: Request, error: Exception) -> Response:
    """Return the answer to an unknown path or a method that the path does not have."""
    assert isinstance(error, HTTPException)
    text = {404: "Not found", 405: "Method not allowed"}.get(error.status_code, error.detail)
    return PlainTextResponse(text, error.status_code, error.headers)


async def client_left(_request: Request, _error: Exception) -> Response:
    """Return an answer for a client that has left, which does not receive it."""
    return PlainTextResponse("Client left", 400)


async def fail(request: Request, _error: Exception) -> Response:
    """Log the request that failed by our own mistake; return an answer without details."""
    logger.error("%s %s failed", request.method, request.scope["path"])
    return PlainTextResponse("Internal server error", 500)


HANDLERS = {
    errors.GalleryError: refuse,
    HTTPException: refuse_route,
    ClientDisconnect: client_left,
    Exception: fail,
}
