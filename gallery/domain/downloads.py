"""The originals of a collection, to be taken along as one file."""

import time
from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple

import anyio

from gallery import file_names
from gallery.database.engine import Database, Reader
from gallery.disk.archives import Entry, archive, length_of
from gallery.disk.roots import Roots
from gallery.domain import access
from gallery.domain.budget import Budget, Holder, Share
from gallery.domain.threads import within
from gallery.errors import Unavailable, printable
from gallery.model import Actor, Tag, Tagged
from gallery.store import members

MAX_DOWNLOADS = 64
"""Archives that are being sent."""
READ_SECONDS = 30.0
"""How long the disk may take for one part, or for a look at all files."""
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
        self._places = Budget(MAX_DOWNLOADS, "Too many downloads are under way")

    async def plan(self, actor: Actor, collection_id: int) -> Download:
        """The originals of a collection that the actor may see, in order, as they are on the disk.

        Each name stands once and can be unpacked anywhere. What is not there is listed in a text.
        """
        found, members_ = await self._db.read(_members, actor, collection_id)
        try:
            entries = await within(READ_SECONDS, _thread(), _entries, self._disk, members_)
        except TimeoutError:
            raise Unavailable("The files cannot be read now") from None
        return Download(found.collection.name, found.tag, entries, length_of(entries))

    async def begin(self, client: Holder | None) -> Share:
        """Return a place, to be given back once the archive was sent.

        Raises `Unavailable` if there are too many; one whose `client` does not read is cut first.
        """
        return await self._places.take(1, client)

    async def send(self, download: Download) -> AsyncGenerator[bytes]:
        """Give the archive, in parts.

        Raises `Replaced` if a file is not as it was when planned, `OSError` if the disk does not
        give it, and `TimeoutError` if it takes over 30 s for a part.
        """
        parts, thread = archive(self._disk, download.entries), _thread()
        is_over = False
        try:
            while part := await within(READ_SECONDS, thread, next, parts, b""):
                yield part
            is_over = True
        finally:
            # A thread that is under way has the generator, which closes its file when it ends.
            if not is_over and not thread.borrowed_tokens:
                with anyio.CancelScope(shield=True):
                    await within(READ_SECONDS, thread, parts.close)


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
