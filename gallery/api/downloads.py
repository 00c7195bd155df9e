"""`/api/collections/{id}/download`: the originals of a collection as one file."""

from contextlib import ExitStack

from starlette.requests import Request
from starlette.responses import Response

from gallery.api import conditional, query
from gallery.api.media import attachment
from gallery.api.streams import Streamed
from gallery.api.wire import actor, services
from gallery.domain import access
from gallery.file_names import safe

ZIP = "application/zip"


async def collection(request: Request) -> Response:
    """A ZIP file, of a length that is known before it is made."""
    own, id_ = services(request), query.collection_id(request)
    tag = await own.db.read(access.see, actor(request), id_)
    headers = conditional.weak_headers_of(request, tag)
    if conditional.is_fresh(request, tag):
        return Response(status_code=304, headers=headers)
    with ExitStack() as stack:
        stack.callback(own.downloads.begin())
        download = await own.downloads.plan(actor(request), id_)
        headers = conditional.weak_headers_of(request, download.tag) | {
            "Content-Length": str(download.length),
            "Content-Disposition": attachment(safe(f"{download.name}.zip")),
        }
        if request.method == "HEAD":
            return Response(headers=headers, media_type=ZIP)
        parts = own.downloads.send(download)
        return Streamed(parts, stack.pop_all().close, 200, headers, ZIP)
