"""The originals of a collection, to be taken along as one file."""

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
"""Archives that are being sent."""
READ_SECONDS = 30.0
"""How long the disk may take for one part, or for a look at all files."""


class Download(NamedTuple):
    """What an archive will hold, and how long it is; `name` is that of the collection."""

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
        """The originals of a collection that the actor may see, in order, as they are on the disk.

        Each name stands once and can be unpacked anywhere. What is missing or may not be read is
        named in a text.
        """
        found, members_ = await self._db.read(_members, actor, collection_id)
        try:
            entries = await within(self._read_seconds, _thread(), _entries, self._disk, members_)
        except TimeoutError:
            raise Unavailable("The files cannot be read now") from None
        return Download(found.collection.name, found.revision, entries, length_of(entries))

    async def begin(self, client: Holder | None) -> Share:
        """Return a place, to be given back once the archive was sent.

        Raises `Unavailable` if there are too many; one whose `client` does not read is cut first.
        """
        return await self._places.take(1, client)

    async def send(self, download: Download) -> AsyncGenerator[bytes]:
        """Give the archive, in parts.

        Raises `TimeoutError` if the disk takes over 30 s for a part, and as `archive`.
        """
        parts, thread = archive(self._disk, download.entries), _thread()
        is_over = False
        try:
            while part := await within(self._read_seconds, thread, next, parts, b""):
                yield part
            is_over = True
        finally:
            # A thread that is under way has the generator, which closes its file when it ends.
            if not is_over and not thread.borrowed_tokens:
                with anyio.CancelScope(shield=True):
                    await within(self._read_seconds, thread, parts.close)


def _thread() -> anyio.CapacityLimiter:
    """One for each download: a disk that hangs keeps no other waiting."""
    return anyio.CapacityLimiter(1)


async def _members(
    reader: Reader, actor: Actor, collection_id: CollectionId
) -> tuple[Versioned, list[tuple[str, bool]]]:
    found = await access.get(reader, actor, collection_id)
    return found, await members.places(reader, collection_id)


def _entries(disk: Roots, wanted: Sequence[tuple[str, bool]]) -> list[Entry]:
    """Open every file once, for the length cannot be changed later. It blocks.

    What is missing may have another file at its place by now.
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
