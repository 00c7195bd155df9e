"""Entity tags as text (RFC 9110, section 8.8.3): writing ours, and parsing headers. Pure.

Our entity tags consist of a state and an origin: `VERSION-DISK_VERSION-ORIGIN` for a collection,
and all five numbers of a `ListRevision` and the origin for a list.
"""

import re
from collections.abc import Iterator
from email.utils import formatdate, mktime_tz, parsedate_tz
from typing import NamedTuple
from zlib import crc32

from gallery.model import Collection, Item, ListRevision, Revision

GZIP = "-gzip"
"""The end of strong entity tags for clients that accept gzip.

Changes and small answers have it, too: a change and the next read give the same entity tag.
"""
FORMAT_VERSION = 1
"""Increase this when the same state is written differently, but with the same fields."""
_FIELDS = crc32(" ".join((*Collection.__struct_fields__, *Item.__struct_fields__)).encode())
MAX_DATE = 100
_ETAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
_OURS = re.compile(rf"([0-9]{{1,19}})-[0-9]{{1,19}}-(.+?)(?:{GZIP})?")

Revisions = Revision | ListRevision


class EntityTag(NamedTuple):
    """An entity tag of a header; `opaque` is the text between the quotation marks."""

    is_weak: bool
    opaque: str


class Version(NamedTuple):
    """A version of a file: an entity tag, and when it changed (seconds since 1970)."""

    opaque: str
    modified_at: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "ETag": f'"{self.opaque}"',
            "Last-Modified": formatdate(self.modified_at, usegmt=True),
        }


def origin(created_at: int) -> str:
    """Return the origin of our entity tags: the database, and the fields of answers.

    Another database, or a release with other fields, may count to the same state. `created_at` is
    when the database was made, in milliseconds since 1970.
    """
    return f"{created_at:x}.{FORMAT_VERSION}{_FIELDS:08x}"


def opaque(revision: Revisions, origin_: str) -> str:
    """Return the entity tag of a state, without quotation marks."""
    state = (
        (revision.version, revision.disk_version) if isinstance(revision, Revision) else revision
    )
    return "-".join([*map(str, state), origin_])


def versions(header: str, origin_: str) -> frozenset[int] | None:
    """Return the versions of a collection that If-Match allows; None if it allows any.

    Only changes by people count: the disk version is ignored. A weak entity tag never matches, and
    one of another origin names no version.
    """
    if header.strip() == "*":
        return None
    found = (_OURS.fullmatch(tag.opaque) for tag in parse(header) if not tag.is_weak)
    return frozenset(int(ours[1]) for ours in found if ours and ours[2] == origin_)


def names(header: str, wanted: str, *, is_strong: bool = False, any_: bool = True) -> bool:
    """Return whether a list of entity tags contains `wanted`, or with `any_` is an asterisk.

    With `is_strong` weak entity tags are ignored.
    """
    if any_ and header.strip() == "*":
        return True
    return any(tag.opaque == wanted and not (is_strong and tag.is_weak) for tag in parse(header))


def parse(header: str) -> Iterator[EntityTag]:
    """Yield the entity tags of a list, up to its first malformed member."""
    at = 0
    while found := _ETAG.match(header, at):
        yield EntityTag(found[1] is not None, found[2])
        at = found.end()


def http_time(header: str | None) -> int | None:
    """Return an HTTP date in seconds since 1970; None for any other text."""
    parsed = parsedate_tz(header) if header and len(header) <= MAX_DATE else None
    try:
        return None if parsed is None else int(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None
