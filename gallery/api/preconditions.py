"""Preconditions of requests (RFC 9110, section 13.1), and the headers that make them possible.

Reads take If-None-Match, changes of a collection take If-Match, and originals take all five.
"""

from starlette.requests import Request

from gallery.api import etags
from gallery.api.etags import GZIP, Revisions, Version
from gallery.api.responses.encodings import accepts_gzip
from gallery.api.wire import services
from gallery.domain.collections.access import Versions
from gallery.errors import Changed
from gallery.model import Revision

REVALIDATE = "private, no-cache"
IMMUTABLE = "private, max-age=31536000, immutable"


def weak_headers_of(request: Request, revision: Revision) -> dict[str, str]:
    """Return the headers of an answer with a weak entity tag of `revision`."""
    return {"ETag": f'W/"{_opaque(request, revision)}"', "Cache-Control": REVALIDATE}


def headers_of(request: Request, revision: Revisions) -> dict[str, str]:
    """Return the headers of an answer with a strong entity tag of a state and its encoding."""
    suffix = GZIP if accepts_gzip(request) else ""
    return {"ETag": f'"{_opaque(request, revision)}{suffix}"', "Cache-Control": REVALIDATE}


def is_fresh(request: Request, revision: Revisions) -> bool:
    """Return whether the client already has this state."""
    return has(request, _opaque(request, revision))


def has(request: Request, opaque: str) -> bool:
    """Return whether the client already has the answer with this entity tag (If-None-Match)."""
    given = _header(request, "if-none-match")
    return given is not None and (etags.names(given, opaque) or etags.names(given, opaque + GZIP))


def allowed_versions(request: Request) -> Versions:
    """Return the versions of a collection that If-Match allows; None if it allows any."""
    given = _header(request, "if-match")
    return None if given is None else etags.versions(given, _origin(request))


def has_version(request: Request, version: Version) -> bool:
    """Return whether the client already has this version of a file (304).

    Raises `Changed` if it wants another version (If-Match, If-Unmodified-Since).
    """
    wanted = _header(request, "if-match")
    not_after = etags.http_time(_header(request, "if-unmodified-since"))
    if wanted is not None:
        is_wanted = etags.names(wanted, version.opaque, is_strong=True)
    else:
        is_wanted = not_after is None or version.modified_at <= not_after
    if not is_wanted:
        raise Changed("The file was changed.")
    had = _header(request, "if-none-match")
    if had is not None:
        return etags.names(had, version.opaque)
    since = etags.http_time(_header(request, "if-modified-since"))
    return since is not None and version.modified_at <= since


def range_of(request: Request, version: Version) -> str | None:
    """Return the Range header, unless it wants ranges of another version (If-Range).

    A date identifies a version only after its second: until then the file may change again.
    """
    wanted = _header(request, "range")
    if wanted is None or request.method != "GET":
        return None
    condition = _header(request, "if-range")
    if condition is None or etags.names(condition, version.opaque, is_strong=True, any_=False):
        return wanted
    is_over = version.modified_at < services(request).db.now() // 1000
    return wanted if is_over and etags.http_time(condition) == version.modified_at else None


def _opaque(request: Request, revision: Revisions) -> str:
    return etags.opaque(revision, _origin(request))


def _origin(request: Request) -> str:
    return etags.origin(services(request).created_at)


def _header(request: Request, name: str) -> str | None:
    values = request.headers.getlist(name)
    return ",".join(values) if values else None
