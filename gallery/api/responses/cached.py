"""JSON answers that are made once for each state and kept while that state lasts."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from gallery.api.etags import Revisions
from gallery.api.preconditions import headers_of, is_fresh
from gallery.api.responses.answers import ROW_BYTES
from gallery.api.responses.byte_cache import digest
from gallery.api.responses.encodings import VARY, accepts_gzip, compress
from gallery.api.responses.streams import LARGE
from gallery.api.wire import actor, raw_response, services


async def answer(
    request: Request,
    variant: object,
    state_now: Callable[[], Awaitable[tuple[Revisions, int]]],
    make: Callable[[], Awaitable[tuple[bytes, Revisions]]],
) -> Response:
    """Return the JSON of `make`. Call it only if neither the client (304) nor the cache has it.

    `state_now` returns the state and the number of rows of the answer, at little cost. `variant`
    distinguishes the answers that one state has.
    """
    own, viewer = services(request), actor(request)
    state, rows = await own.state_cache.get((viewer, variant), state_now)
    if is_fresh(request, state):
        return Response(status_code=304, headers=headers_of(request, state) | VARY)
    is_gzip = accepts_gzip(request)
    key = digest((viewer, variant, state, is_gzip))
    body = own.byte_cache.get(key)
    if body is not None and len(body) <= LARGE:
        return raw_response(body, headers=headers_of(request, state))

    async def make_and_keep() -> tuple[bytes, Revisions]:
        if body is not None:
            return body, state
        made, state_then = await make()
        if is_gzip:
            made = await compress(made)
        own.byte_cache.keep(digest((viewer, variant, state_then, is_gzip)), made)
        return made, state_then

    cost = rows * ROW_BYTES if body is None else len(body)
    found = await own.answers.get(request, key, cost, make_and_keep)
    return found.response(headers_of(request, found.about))
