"""The nouns, as frozen structs. Those that clients see are named as the contract names them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated, NamedTuple
from urllib.parse import quote

import msgspec

from gallery.media_types import MediaType

_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*").fullmatch

LARGEST_ID = 2**63 - 1
ItemId = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_ID)]


class Actor(msgspec.Struct, frozen=True):
    """Who asks."""

    id: int


class _Shown(msgspec.Struct, frozen=True, rename="camel"):
    """What clients see: camelCase, absent values as null."""


class Item(_Shown, frozen=True):
    """A media file of the library. Lengths in pixels, `duration` in seconds."""

    id: int
    path: str
    name: str
    type: MediaType
    parent_path: str
    url: str
    thumbnail_url: str
    thumbhash: str | None
    width: int | None
    height: int | None
    duration: float | None
    taken_at: datetime | None
    missing: bool


class Collection(_Shown, frozen=True):
    """A collection without its members: the contract's summary."""

    id: int
    name: str
    description: str
    folder_path: str | None
    cover_path: str | None
    has_artwork: bool
    cover_small_url: str | None
    cover_large_url: str | None
    item_count: int
    is_public: bool
    is_favorite: bool
    owner_id: int
    created_at: datetime
    updated_at: datetime


class Wish(_Shown, frozen=True):
    """What a person sends about a collection; None leaves it as it is."""

    name: str | None = None
    description: str | None = None
    is_public: bool | None = None
    is_favorite: bool | None = None
    folder_path: str | None = None
    cover_path: str | None = None
    paths: list[str] | None = None
    item_ids: list[ItemId] | None = None


class Tag(msgspec.Struct, frozen=True):
    """The state of a collection: `version` counts what people did, `revision` what the disk did."""

    version: int
    revision: int


class Tagged(NamedTuple):
    """A collection, the state it was read in, and its `updatedAt` in milliseconds."""

    collection: Collection
    tag: Tag
    updated_at: int


class ListTag(NamedTuple):
    """The state of a list of collections.

    Ids are never used again, both counters only grow and every change of a collection is the
    newest: two lists agree in all of these only if they are the same.
    """

    length: int
    ids: int
    newest: int
    versions: int
    revisions: int

    @classmethod
    def of(cls, rows: Sequence[Tagged]) -> "ListTag":
        """The state of a list that was read whole."""
        return cls(
            len(rows),
            sum(row.collection.id for row in rows),
            max((row.updated_at for row in rows), default=0),
            sum(row.tag.version for row in rows),
            sum(row.tag.revision for row in rows),
        )


class Probed(msgspec.Struct, frozen=True):
    """What a file said of itself, in pixels and milliseconds; `problem` why it did not.

    `fingerprint` is the same for all copies of it.
    """

    width: int | None = None
    height: int | None = None
    duration: int | None = None
    problem: str | None = None
    fingerprint: str | None = None


class Page(_Shown, frozen=True):
    """Part of a list; `next_cursor` asks for the next part, None after the last."""

    items: list[Item]
    next_cursor: str | None


class Problem(_Shown, frozen=True):
    """Something in a root that the index had to leave out, and why."""

    path: str
    reason: str


class Progress(_Shown, frozen=True):
    """Work under way in a root: `phase` is `scanning` or `reading`, `total` None if unknown."""

    phase: str
    done: int
    total: int | None


class Hint(IntEnum):
    """What to do at a path that somebody points at; of two hints the greater one counts."""

    LOOK = 1
    DEEP = 2  # look at everything below, too


class RootState(_Shown, frozen=True):
    """A root as `GET /api/library` shows it."""

    name: str
    state: str
    item_count: int
    missing_count: int
    last_scan: datetime | None
    progress: Progress | None
    problems: list[Problem]


def moment(milliseconds: int) -> datetime:
    """A stored time as clients see it: whole seconds, UTC."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC)


def media_url(path: str) -> str:
    """Where the original of the item at `path` is."""
    # Most paths need no escapes, and to see that is four times as fast as to look for them.
    return "/media/" + (path if _PLAIN(path) else quote(path))


def picture_version(size: int, modified_at: int) -> str:
    """Changes whenever the file does, so that pictures made of it can be cached for ever."""
    return f"{modified_at:x}-{size:x}"
