"""`/media/{path}`: the originals, byte for byte."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack
from urllib.parse import quote, unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response

from gallery.api import preconditions
from gallery.api.etags import Version
from gallery.api.preconditions import REVALIDATE
from gallery.api.requests import query, ranges
from gallery.api.requests.ranges import Span
from gallery.api.responses.streams import Streamed
from gallery.api.wire import services
from gallery.disk.originals import Original
from gallery.domain.library.originals import Originals
from gallery.errors import Invalid
from gallery.values import paths
from gallery.values.media_types import is_drawing, mime_type, type_of

SANDBOX = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
"""Policy by which a browser that shows a file by itself runs no script and loads nothing else."""
_OF_FILMS = f"{SANDBOX} allow-same-origin"
"""Policy of videos: a browser that plays one requests it again, which needs the same origin."""
_PREFIX = b"/media/"


async def original(request: Request) -> Response:
    """Return the bytes of an original, whole or in ranges."""
    path = _path(request)
    is_download = query.flag(request, "download") or is_drawing(path)
    originals = services(request).originals
    with ExitStack() as stack:
        opened = await originals.open(path)
        stack.callback(opened.close)
        version = Version(opened.version, opened.modified_at // 10**6)
        headers = version.headers | {"Cache-Control": REVALIDATE, "Accept-Ranges": "bytes"}
        if preconditions.has_version(request, version):
            return Response(status_code=304, headers=headers)
        headers["Content-Security-Policy"] = _OF_FILMS if type_of(path) == "video" else SANDBOX
        if is_download:
            headers["Content-Disposition"] = attachment(paths.name(path))
        chosen = ranges.select(
            preconditions.range_of(request, version), opened.size, mime_type(path)
        )
        headers |= chosen.headers
        if request.method == "HEAD":
            return Response(headers=headers, media_type=chosen.media_type)
        close = stack.pop_all().close
        parts = _bytes(originals, opened, chosen.pieces)
        return Streamed(parts, close, chosen.status, headers, chosen.media_type)


async def _bytes(
    originals: Originals, opened: Original, pieces: Sequence[Span | bytes]
) -> AsyncGenerator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        else:
            async for part in originals.read(opened, piece.start, piece.end):
                yield part


def _path(request: Request) -> str:
    """Return the requested path, decoded once, from the bytes that were sent."""
    raw: bytes = request.scope["raw_path"]
    try:
        return paths.parse(unquote_to_bytes(raw.removeprefix(_PREFIX)).decode())
    except UnicodeDecodeError:
        raise Invalid("Invalid path: not UTF-8") from None


def attachment(name: str) -> str:
    """Return the `Content-Disposition` of a file to be saved as `name` (RFC 6266)."""
    plain = quote(name, safe=" !#$&+-.^_`|~()[]{}@,")
    if plain == name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
