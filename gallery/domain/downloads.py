"""The originals of a collection, to be taken along as one file."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import NamedTuple

import anyio
from anyio import to_thread

from gallery import file_names
from gallery.database.engine import Database, Reader
from gallery.disk.archives import Entry, archive, length_of
from gallery.disk.roots import Roots
from gallery.domain import access
from gallery.errors import Unavailable, printable
from gallery.model import Actor, Tag, Tagged
from gallery.store import members

MOST_AT_ONCE = 8
"""Archives that are being sent; one more is 503. Each may list 100,000 files."""
NOTE = "Missing files.txt"


class Download(NamedTuple):
    """What an archive will hold, and how long it is; `name` is that of the collection."""

    name: str
    tag: Tag
    entries: list[Entry]
    length: int


class Downloads:
    """Archives of collections."""

    def __init__(self, db: Database, disk: Roots) -> None:
        self._db = db
        self._disk = disk
        self._under_way = 0

    async def plan(self, actor: Actor, collection_id: int) -> Download:
        """The originals of a collection that the actor may see, in order, as they are on the disk.

        Each name stands once and can be unpacked anywhere. What is not there is listed in a text.
        """
        found, members_ = await self._db.read(_members, actor, collection_id)
        entries = await to_thread.run_sync(_entries, self._disk, members_, limiter=_thread())
        return Download(found.collection.name, found.tag, entries, length_of(entries))

    def begin(self) -> Callable[[], None]:
        """What has to be called when an archive was sent. `Unavailable` if there are too many."""
        if self._under_way >= MOST_AT_ONCE:
            raise Unavailable("Too many downloads are under way")
        self._under_way += 1
        return self._end

    def _end(self) -> None:
        self._under_way -= 1

    async def send(self, download: Download) -> AsyncGenerator[bytes]:
        """The archive, in parts. Raises `Replaced` if a file is not as it was when planned."""
        parts, thread = archive(self._disk, download.entries), _thread()
        try:
            while part := await to_thread.run_sync(next, parts, b"", limiter=thread):
                yield part
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(parts.close, limiter=thread)


def _thread() -> anyio.CapacityLimiter:
    """One for each download: a disk that hangs keeps no other waiting."""
    return anyio.CapacityLimiter(1)


async def _members(
    reader: Reader, actor: Actor, collection_id: int
) -> tuple[Tagged, list[tuple[str, bool]]]:
    found = await access.get(reader, actor, collection_id)
    return found, await members.places(reader, collection_id)


def _entries(disk: Roots, wanted: Sequence[tuple[str, bool]]) -> list[Entry]:
    """What is missing may have another file at its place by now. It blocks."""
    seen = disk.look((path for path, is_there in wanted if is_there), unknown=set())
    there = [(path, seen[path]) for path, is_there in wanted if is_there and path in seen]
    missing = [path for path, is_there in wanted if not is_there or path not in seen]
    names = file_names.unique([NOTE, *(file.name for _path, file in there)])
    entries = [
        Entry(name, file.size, file.modified_at, path)
        for name, (path, file) in zip(names[1:], there, strict=True)
    ]
    if missing:
        lines = ["These files were not on the disk:", *map(printable, missing), ""]
        text = "\n".join(lines).encode()
        entries.append(Entry(NOTE, len(text), time.time_ns() // 1_000, text=text))
    return entries
