"""Entity tags as text (RFC 9110, section 8.8.3): what we write and what a header names. Pure.

A tag of ours is the state it stands for and its origin: `VERSION-DISK_VERSION-ORIGIN` for a
collection, all five numbers of a `ListRevision` and the origin for a list.
"""

import re
from collections.abc import Iterator
from email.utils import formatdate, mktime_tz, parsedate_tz
from typing import NamedTuple
from zlib import crc32

from gallery.model import Collection, Item, ListRevision, Revision

GZIP = "-gzip"
"""What strong tags end with for clients that accept gzip.

Also those of changes and of small answers, so that a change and the next read give the same tag.
"""
FORMAT_VERSION = 1
"""Another number whenever the same state is written differently, but with the same fields."""
_FIELDS = crc32(" ".join((*Collection.__struct_fields__, *Item.__struct_fields__)).encode())
MAX_DATE = 100
_ETAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
_OURS = re.compile(rf"([0-9]{{1,19}})-[0-9]{{1,19}}-(.+?)(?:{GZIP})?")

Revisions = Revision | ListRevision


class EntityTag(NamedTuple):
    """An entity tag of a header; `opaque` is what stands between the quotation marks."""

    is_weak: bool
    opaque: str


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


def origin(created_at: int) -> str:
    """Return what our tags end with: another database or release may count to the same state.

    A release whose answers have other fields has another origin. `created_at` is when the database
    was made, in milliseconds since 1970.
    """
    return f"{created_at:x}.{FORMAT_VERSION}{_FIELDS:08x}"


def opaque(revision: Revisions, origin_: str) -> str:
    """Return the tag of a state."""
    state = (
        (revision.version, revision.disk_version) if isinstance(revision, Revision) else revision
    )
    return "-".join([*map(str, state), origin_])


def versions(header: str, origin_: str) -> frozenset[int] | None:
    """Return the versions of a collection that If-Match allows; None if it allows any.

    Only what people changed counts: the part of a tag that the disk moves is left out. A weak tag
    never matches, and a tag of another origin names no version.
    """
    if header.strip() == "*":
        return None
    found = (_OURS.fullmatch(tag.opaque) for tag in parse(header) if not tag.is_weak)
    return frozenset(int(ours[1]) for ours in found if ours and ours[2] == origin_)


def names(header: str, wanted: str, *, is_strong: bool = False, any_: bool = True) -> bool:
    """Return whether a list of entity tags names one; `any_`: so does an asterisk.

    With `is_strong` a weak tag names nothing.
    """
    if any_ and header.strip() == "*":
        return True
    return any(tag.opaque == wanted and not (is_strong and tag.is_weak) for tag in parse(header))


def parse(header: str) -> Iterator[EntityTag]:
    """Give the entity tags of a list, up to its first malformed member."""
    at = 0
    while found := _ETAG.match(header, at):
        yield EntityTag(found[1] is not None, found[2])
        at = found.end()


def http_time(header: str | None) -> int | None:
    """Return a date of HTTP in seconds since 1970; None for anything else."""
    parsed = parsedate_tz(header) if header and len(header) <= MAX_DATE else None
    try:
        return None if parsed is None else int(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None
