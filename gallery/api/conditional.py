"""Entity tags and the preconditions that name them (RFC 9110, sections 8.8.3 and 13.1)."""

import re
from collections.abc import Awaitable, Callable, Iterator
from email.utils import formatdate, mktime_tz, parsedate_tz
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from gallery.api.responses.answers import ROW_BYTES
from gallery.api.responses.byte_cache import digest
from gallery.api.responses.encodings import SUFFIX, VARY, accepts_gzip, compress
from gallery.api.responses.streams import LARGE
from gallery.api.wire import actor, raw_response, services
from gallery.domain.collections.access import Versions
from gallery.errors import Changed
from gallery.model import ListRevision, Revision

_ETAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
_OURS = re.compile(rf"([0-9]{{1,19}})-[0-9]{{1,19}}-(.+?)(?:{SUFFIX})?")
FORMAT_VERSION = 1
"""Another number whenever the same state is written down differently than before."""
MAX_DATE = 100
REVALIDATE = "private, no-cache"
FOR_EVER = "private, max-age=31536000, immutable"


Revisions = Revision | ListRevision


class _Given(NamedTuple):
    is_weak: bool
    opaque: str


def weak_headers_of(request: Request, revision: Revision) -> dict[str, str]:
    """Return the headers of an answer in the state `revision`: a weak entity tag."""
    return {"ETag": f'W/"{_opaque(request, revision)}"', "Cache-Control": REVALIDATE}


def headers_of(request: Request, revision: Revisions) -> dict[str, str]:
    """Return the headers of an answer in a state: a strong entity tag of its encoding."""
    suffix = SUFFIX if accepts_gzip(request) else ""
    return {"ETag": f'"{_opaque(request, revision)}{suffix}"', "Cache-Control": REVALIDATE}


async def answer(
    request: Request,
    variant: object,
    state_now: Callable[[], Awaitable[tuple[Revisions, int]]],
    make: Callable[[], Awaitable[tuple[bytes, Revisions]]],
) -> Response:
    """Return the JSON that `make` gives, unless the client has it (304) or it was made before.

    `state_now` is a cheap look at the state, and at the number of rows that the answer will have;
    `variant` tells apart what one state is shown as.
    """
    own, viewer = services(request), actor(request)
    state, rows = await own.memo.get((viewer, variant), state_now)
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


def is_fresh(request: Request, revision: Revisions) -> bool:
    """Whether the client already has this state."""
    return has(request, _opaque(request, revision))


def has(request: Request, opaque: str) -> bool:
    """Whether the client already has what is tagged so (If-None-Match)."""
    given = _header(request, "if-none-match")
    return given is not None and (_names(given, opaque) or _names(given, opaque + SUFFIX))


class Version(NamedTuple):
    """What a file is at one time: an entity tag, and when it changed (seconds since 1970)."""

    opaque: str
    modified_at: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "ETag": f'"{self.opaque}"',
            "Last-Modified": formatdate(self.modified_at, usegmt=True),
        }


def has_version(request: Request, version: Version) -> bool:
    """Whether the client has this version of a file already (304).

    Raises `Changed` if it only wants another one (If-Match, If-Unmodified-Since).
    """
    wanted = _header(request, "if-match")
    not_after = _time(_header(request, "if-unmodified-since"))
    if wanted is not None:
        is_wanted = _names(wanted, version.opaque, is_strong=True)
    else:
        is_wanted = not_after is None or version.modified_at <= not_after
    if not is_wanted:
        raise Changed("The file was changed.")
    had = _header(request, "if-none-match")
    if had is not None:
        return _names(had, version.opaque)
    since = _time(_header(request, "if-modified-since"))
    return since is not None and version.modified_at <= since


def range_of(request: Request, version: Version) -> str | None:
    """The parts of a file that are asked for, if they may be of this version (If-Range).

    A time names a version only once its second is over.
    """
    wanted = _header(request, "range")
    if wanted is None or request.method != "GET":
        return None
    condition = _header(request, "if-range")
    if condition is None or _names(condition, version.opaque, is_strong=True, any_=False):
        return wanted
    is_over = version.modified_at < services(request).db.now() // 1000
    return wanted if is_over and _time(condition) == version.modified_at else None


def _names(header: str, opaque: str, *, is_strong: bool = False, any_: bool = True) -> bool:
    """Whether a list of entity tags names one; `any_`: so does an asterisk."""
    if any_ and header.strip() == "*":
        return True
    return any(
        etag.opaque == opaque and not (is_strong and etag.is_weak) for etag in _etags(header)
    )


def _time(header: str | None) -> int | None:
    """Seconds since 1970; None for what is no HTTP date."""
    parsed = parsedate_tz(header) if header and len(header) <= MAX_DATE else None
    try:
        return None if parsed is None else int(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None


def allowed_versions(request: Request) -> Versions:
    """The versions that If-Match allows; None if it allows any.

    Only what people changed counts, so the part of our tags that the disk moves is left out. Weak
    tags never match here, and what we did not make names no version.
    """
    given = _header(request, "if-match")
    if given is None or given.strip() == "*":
        return None
    ours = (_OURS.fullmatch(each.opaque) for each in _etags(given) if not each.is_weak)
    here = _origin(request)
    return frozenset(int(found[1]) for found in ours if found and found[2] == here)


def _opaque(request: Request, revision: Revisions) -> str:
    state = (
        (revision.version, revision.disk_version) if isinstance(revision, Revision) else revision
    )
    return "-".join([*map(str, state), _origin(request)])


def _origin(request: Request) -> str:
    """Tells our tags from those of another database, or of another release, that count alike."""
    return f"{services(request).created_at:x}.{FORMAT_VERSION}"


def _header(request: Request, name: str) -> str | None:
    values = request.headers.getlist(name)
    return ",".join(values) if values else None


def _etags(header: str) -> Iterator[_Given]:
    """The entity tags of a list; nothing from its first malformed member on."""
    at = 0
    while found := _ETAG.match(header, at):
        yield _Given(found[1] is not None, found[2])
        at = found.end()
