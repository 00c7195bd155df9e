"""`/api/collections/{id}/download`: the originals of a collection as one file."""

from contextlib import ExitStack

from starlette.requests import Request
from starlette.responses import Response

from gallery.api import preconditions
from gallery.api.connections import connection_of
from gallery.api.endpoints.media import attachment
from gallery.api.requests import query
from gallery.api.responses.streams import Streamed
from gallery.api.wire import actor, services
from gallery.domain.collections import access
from gallery.values.file_names import safe

ZIP = "application/zip"
_ENTRY_BYTES = 1_000
"""Memory of a file in the plan of an archive, and in its directory."""


async def collection(request: Request) -> Response:
    """Return a ZIP file, whose length is known before it is made."""
    own, id_ = services(request), query.collection_id(request)
    revision, count = await own.db.read(access.see_size, actor(request), id_)
    headers = preconditions.weak_headers_of(request, revision)
    if preconditions.is_fresh(request, revision):
        return Response(status_code=304, headers=headers)
    connection = connection_of(request.scope)
    with ExitStack() as stack:
        stack.enter_context(await own.downloads.begin(connection))
        stack.enter_context(await own.large.take(count * _ENTRY_BYTES, connection))
        download = await own.downloads.plan(actor(request), id_)
        headers = preconditions.weak_headers_of(request, download.revision) | {
            "Content-Length": str(download.length),
            "Content-Disposition": attachment(safe(f"{download.name}.zip")),
        }
        if request.method == "HEAD":
            return Response(headers=headers, media_type=ZIP)
        parts = own.downloads.send(download)
        return Streamed(parts, stack.pop_all().close, 200, headers, ZIP)
