"""`/api/library`, `/api/health`."""

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gallery.api.requests.bodies import body
from gallery.api.wire import done, json_response, services
from gallery.domain.library import roots as library_roots
from gallery.media.jobs import Barrier
from gallery.model import RootState


class LibraryState(msgspec.Struct):
    """The roots with their states, and the problems of the database.

    `sandbox` lists what worker processes cannot do; None before the first one starts.
    """

    roots: list[RootState]
    sandbox: Sequence[Barrier] | None
    problems: list[str]


class ScanInput(msgspec.Struct, rename="camel"):
    """The body of a scan request; it may be left out."""

    accept_missing: bool | None = None


async def show(request: Request) -> Response:
    """Return every root with its state, and the problems of the database."""
    own = services(request)
    roots = await own.db.read(library_roots.states, own.library)
    return json_response(LibraryState(roots, own.workers.sandbox, own.db.problems))


async def scan(request: Request) -> Response:
    """Request a full scan, which begins as soon as it can; return 202."""
    async with body(request, ScanInput, if_empty=ScanInput()) as wanted:
        services(request).library.request_scan(accept_missing=wanted.accept_missing or False)
    return done(status=202)


async def health(_request: Request) -> Response:
    """Return 200, which shows that the server serves."""
    return done()
