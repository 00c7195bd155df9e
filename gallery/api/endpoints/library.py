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
    """The roots and what is going on in them.

    `sandbox` is what processes that decode files are kept from; None before the first has begun.
    """

    roots: list[RootState]
    sandbox: Sequence[Barrier] | None
    problems: list[str]


class ScanInput(msgspec.Struct, rename="camel"):
    """The body of a scan request; it may be left out."""

    accept_missing: bool | None = None


async def show(request: Request) -> Response:
    """Every root with its state, and what is wrong with the database."""
    own = services(request)
    roots = await own.db.read(library_roots.states, own.library)
    return json_response(LibraryState(roots, own.workers.sandbox, own.db.problems))


async def scan(request: Request) -> Response:
    """202: a full reconciliation begins as soon as it can."""
    async with body(request, ScanInput, if_empty=ScanInput()) as wanted:
        services(request).library.request_scan(accept_missing=wanted.accept_missing or False)
    return done(status=202)


async def health(_request: Request) -> Response:
    """200 once the server serves."""
    return done()
