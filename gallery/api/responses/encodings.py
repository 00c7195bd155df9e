"""Answers in gzip for clients that accept it (RFC 9110, sections 8.4 and 12.5.3).

The first bytes of a body show whether it is compressed already: no text begins with them.
"""

import asyncio
import gzip
import re
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response

from gallery.api.responses.streams import InParts

MIN_BYTES = 1_400
"""A smaller answer fits into one packet without compression."""
LEVEL = 6
"""Of 500 items, 197 KB, level 1 makes 40 KB in 1.2 ms, 6 makes 33 in 2.0, 9 makes 32 in 5.8."""
MAX_INLINE = 16 << 10
"""Compressing this many bytes takes 0.1 ms, less than handing them to a thread."""
VARY = {"Vary": "Accept-Encoding"}
_VARY = (b"vary", b"Accept-Encoding")
_MAGIC = b"\x1f\x8b"
_TEXTS = (
    *("application/json", "application/yaml"),
    *("text/css", "text/html", "text/javascript", "text/plain"),
)
_MAX_HEADER = 500
_CODING = re.compile(r"\s*([\w*!#$%&'+.^`|~-]+)\s*(?:;\s*[qQ]\s*=\s*([01](?:\.\d{0,3})?)\s*)?$")


def accepts_gzip(request: Request) -> bool:
    """Return whether the client accepts gzip and prefers it at least as much as no encoding."""
    given = [value for name, value in request.scope["headers"] if name == b"accept-encoding"]
    header = given[0] if len(given) == 1 else b",".join(given)
    return 0 < len(header) <= _MAX_HEADER and _prefers_gzip(header)


@lru_cache(maxsize=256)
def _prefers_gzip(header: bytes) -> bool:
    """Return whether `Accept-Encoding` prefers gzip; malformed members are ignored."""
    weights = {}
    for member in header.decode("latin-1").lower().split(","):
        if found := _CODING.match(member):
            weights[found[1]] = min(float(found[2] or 1), 1.0)
    weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return weight > 0 and weight >= weights.get("identity", 0.0)


async def compress(body: bytes, level: int = LEVEL) -> bytes:
    """Return a body in gzip, or as it is if it is small. A large one is compressed in a thread."""
    if len(body) < MIN_BYTES:
        return body
    if len(body) <= MAX_INLINE:
        return gzip.compress(body, level, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, level, mtime=0)


async def encoded(request: Request, response: Response) -> Response:
    """Return an answer, in gzip if it is text and the client accepts that.

    Event streams, and all that is no text, stay as they are.
    """
    if response.media_type not in _TEXTS:
        return response
    response.raw_headers.append(_VARY)
    body = bytes(response.body)
    if len(body) >= MIN_BYTES and not body.startswith(_MAGIC) and accepts_gzip(request):
        try:
            body = await compress(body)
        except BaseException:
            if isinstance(response, InParts):
                response.close()
            raise
    if body.startswith(_MAGIC):
        response.body = body
        response.headers["Content-Length"] = str(len(body))
        response.headers["Content-Encoding"] = "gzip"
    return response
