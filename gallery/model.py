"""The nouns, as frozen structs. Structs that clients see have the names of the contract."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Literal, NamedTuple

import msgspec

from gallery import limits
from gallery.values import media_types, names, words
from gallery.values.ids import MAX_ID, AccountId, CollectionId, ItemId
from gallery.values.media_types import MediaType
from gallery.values.times import EARLIEST, LATEST, Millis, month_of

Time = Annotated[int, msgspec.Meta(ge=EARLIEST, le=LATEST)]

MAX_STEM = 200
"""Characters of the stem by which files form a pair."""
GivenItemId = Annotated[ItemId, msgspec.Meta(ge=1, le=MAX_ID)]
Size = Literal["small", "medium", "large", "full"]
"""The sizes of a thumbnail."""
PIXELS: Mapping[Size, int | None] = {"small": 256, "medium": 512, "large": 1_600, "full": None}
"""Pixels of the longer side; None keeps that of the original."""


class Actor(msgspec.Struct, frozen=True):
    """The account that makes a request."""

    id: AccountId


class _Shown(msgspec.Struct, frozen=True, rename="camel"):
    """A struct that clients see: camelCase, absent values as null."""


class Item(_Shown, frozen=True):
    """A media file of the library. Lengths in pixels, `duration` in seconds."""

    id: ItemId
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
    paired_with: ItemId | None


class Location(_Shown, frozen=True):
    """A position in degrees; `altitude` in metres above the sea."""

    lat: float
    lon: float
    altitude: float | None


class ItemDetail(Item, frozen=True):
    """All properties of an item.

    Sizes in bytes, `exposure` in seconds, `focal_length` in millimetres. `taken_local` is the time
    on a clock at that place, `taken_offset` how far that clock was ahead of UTC, and
    `taken_source` the source of the time. `collections` are those that the caller may see.
    """

    size: int
    modified_at: datetime
    added_at: datetime
    mime_type: str
    taken_local: str | None
    taken_offset: str | None
    taken_source: str | None
    camera: str | None
    lens: str | None
    exposure: float | None
    aperture: float | None
    iso: int | None
    focal_length: float | None
    location: Location | None
    rating: int
    title: str | None
    caption: str | None
    keywords: list[str]
    problem: str | None
    favorite: bool
    collections: list[CollectionId]


class Folder(_Shown, frozen=True):
    """A folder inside another; `item_count` counts the items in it and below."""

    path: str
    name: str
    item_count: int
    cover_url: str | None


class FolderPage(_Shown, frozen=True):
    """A folder with a part of its direct content: folders first, then items."""

    path: str
    name: str
    parent_path: str | None
    folders: list[Folder]
    items: list[Item]
    next_cursor: str | None


class Collection(_Shown, frozen=True):
    """A collection without its members: the contract's summary."""

    id: CollectionId
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
    owner_id: AccountId
    created_at: datetime
    updated_at: datetime


class CollectionInput(_Shown, frozen=True):
    """The fields of a collection that a client sends; None leaves a field as it is."""

    name: str | None = None
    description: str | None = None
    is_public: bool | None = None
    is_favorite: bool | None = None
    folder_path: str | None = None
    cover_path: str | None = None
    paths: list[str] | None = None
    item_ids: list[GivenItemId] | None = None


class Revision(msgspec.Struct, frozen=True):
    """The state of a collection.

    `version` counts the changes by people, `disk_version` the changes by the disk.
    """

    version: int
    disk_version: int


class Versioned(NamedTuple):
    """A collection, the revision that was read, and its `updatedAt` in milliseconds."""

    collection: Collection
    revision: Revision
    updated_at: Millis


class ListRevision(NamedTuple):
    """The state of a list of collections.

    Ids are never used again, both counters only grow, and each change has the newest `updatedAt`.
    Therefore two lists that agree in all five numbers are the same.
    """

    length: int
    ids: int
    newest: int
    versions: int
    revisions: int

    @classmethod
    def of(cls, rows: Sequence[Versioned]) -> "ListRevision":
        """Return the state of a whole list."""
        return cls(
            len(rows),
            sum(row.collection.id for row in rows),
            max((row.updated_at for row in rows), default=0),
            sum(row.revision.version for row in rows),
            sum(row.revision.disk_version for row in rows),
        )


class NameKeys(NamedTuple):
    """What follows from a file's name: its sort key, its stem, which finds pairs, its extension."""

    sort_name: str
    stem: str
    extension: str

    @classmethod
    def of(cls, name: str) -> "NameKeys":
        stem = names.key_of(media_types.stem(name))[:MAX_STEM]
        return cls(words.natural_key(name), stem, media_types.extension(name))


class Taken(NamedTuple):
    """When a picture was taken, in milliseconds since 1970.

    `local` is the time on a clock at that place, read as UTC. `offset` is how many minutes that
    clock was ahead of UTC; if it is not known, it is None and `local` equals `at`. `source` names
    the source of the time.
    """

    at: Time
    local: Time
    offset: limits.Offset | None
    source: limits.Name

    @property
    def month(self) -> int:
        """Return the local month, as 202507."""
        return month_of(self.local)


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """The metadata of a file; `problem` is why they could not be read.

    Numbers are whole, so that no digit is lost: lengths in pixels, durations in milliseconds,
    exposure in nanoseconds, aperture in thousandths, focal length in micrometres, altitude in
    millimetres, positions in 10^-7 degrees. A keyword lists its levels, the most general first.
    Copies share a `fingerprint`. Decoding this struct checks the limits.
    """

    width: limits.Side | None = None
    height: limits.Side | None = None
    duration: limits.Number | None = None
    problem: limits.Name | None = None
    taken: Taken
    camera: limits.Name | None = None
    lens: limits.Name | None = None
    exposure: limits.Number | None = None
    aperture: limits.Number | None = None
    iso: limits.Number | None = None
    focal_length: limits.Number | None = None
    position: limits.Position | None = None
    altitude: limits.Altitude | None = None
    rating: limits.Rating = 0
    title: limits.Title | None = None
    caption: limits.Caption | None = None
    keywords: limits.Keywords = ()
    fingerprint: limits.Fingerprint | None = None

    def __post_init__(self) -> None:
        limits.check_keywords(self.keywords)


class ItemPage(_Shown, frozen=True):
    """A part of a list; `next_cursor` requests the next part and is None after the last."""

    items: list[Item]
    next_cursor: str | None


class Problem(_Shown, frozen=True):
    """A file or folder that the index left out, or could not open, read or render; and why."""

    path: str
    reason: str


Phase = Literal["scanning", "reading", "drawing"]
PHASES: Sequence[Phase] = ("scanning", "reading", "drawing")
"""The phases of work in a root: each waits for those before it."""
INDEXING: Sequence[Phase] = ("scanning", "reading")
"""The phases until everything is listed and read."""


class Progress(_Shown, frozen=True):
    """Work under way in a root; `total` is None if unknown."""

    phase: Phase
    done: int
    total: int | None


class Hint(IntEnum):
    """What to do at a path that may have changed; of two hints the greater one counts."""

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
    has_unread: bool
    problem_count: int
    problems: list[Problem]
