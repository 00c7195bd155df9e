"""Downloads: the originals of a collection in one archive."""

from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple

import anyio

from gallery.database.engine import Database, Reader
from gallery.disk.archives import NOTE, Entry, archive, length_of, note
from gallery.disk.roots import Roots
from gallery.domain.budget import Budget, Holder, Share
from gallery.domain.collections import access
from gallery.domain.threads import within
from gallery.errors import Unavailable
from gallery.model import Actor, Revision, Versioned
from gallery.store.collections import members
from gallery.values import file_names
from gallery.values.ids import CollectionId

MAX_DOWNLOADS = 64
"""Archives that are sent at the same time."""
READ_SECONDS = 30.0
"""How long the disk may take to read one part, or to open all files once."""


class Download(NamedTuple):
    """The content and the length of an archive; `name` is that of the collection."""

    name: str
    revision: Revision
    entries: list[Entry]
    length: int


class Downloads:
    """Archives of collections."""

    def __init__(
        self,
        db: Database,
        disk: Roots,
        *,
        max_downloads: int = MAX_DOWNLOADS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._db = db
        self._disk = disk
        self._read_seconds = read_seconds
        self._places = Budget(max_downloads, "Too many downloads are under way")

    async def plan(self, actor: Actor, collection_id: CollectionId) -> Download:
        """Return the archive of a collection that the actor may see: its originals, in order.

        Names in the archive are unique and valid on every system. A text file in it lists the files
        that are missing or cannot be read. Raises `Unavailable` if the disk does not answer.
        """
        found, members_ = await self._db.read(_members, actor, collection_id)
        try:
            entries = await within(self._read_seconds, _thread(), _entries, self._disk, members_)
        except TimeoutError:
            raise Unavailable("The files cannot be read now") from None
        return Download(found.collection.name, found.revision, entries, length_of(entries))

    async def begin(self, client: Holder | None) -> Share:
        """Wait for one of the places, and return it. The caller gives it back after sending.

        Raises `Unavailable` if no place is free; a `client` that does not read is cut first.
        """
        return await self._places.take(1, client)

    async def send(self, download: Download) -> AsyncGenerator[bytes]:
        """Yield the archive, in parts.

        Raises `TimeoutError` if the disk takes over 30 s for a part, and as `archive`.
        """
        parts, thread = archive(self._disk, download.entries), _thread()
        is_over = False
        try:
            while part := await within(self._read_seconds, thread, next, parts, b""):
                yield part
            is_over = True
        finally:
            # A running thread still uses the generator, which closes its file when it ends.
            if not is_over and not thread.borrowed_tokens:
                with anyio.CancelScope(shield=True):
                    await within(self._read_seconds, thread, parts.close)


def _thread() -> anyio.CapacityLimiter:
    """Return a limiter of its own for each download, so that a disk that hangs delays no other."""
    return anyio.CapacityLimiter(1)


async def _members(
    reader: Reader, actor: Actor, collection_id: CollectionId
) -> tuple[Versioned, list[tuple[str, bool]]]:
    found = await access.get(reader, actor, collection_id)
    return found, await members.places(reader, collection_id)


def _entries(disk: Roots, wanted: Sequence[tuple[str, bool]]) -> list[Entry]:
    """Open every file once, because the length of the archive is sent first. It blocks.

    Missing items are skipped: another file may be at their path now.
    """
    seen = disk.look((path for path, is_there in wanted if is_there), unknown=set())
    there = [path for path, is_there in wanted if is_there and path in seen]
    unreadable = disk.unreadable(there)
    there = [path for path in there if path not in unreadable]
    names = file_names.unique([NOTE, *(seen[path].name for path in there)])
    entries = [
        Entry(name, *seen[path].version, path) for name, path in zip(names[1:], there, strict=True)
    ]
    sent = set(there)
    missing = [path for path, is_there in wanted if not is_there or path not in sent]
    return [*entries, note(missing)] if missing else entries
