"""The background job that reads the metadata of listed files, two seconds after the last change.

The queue is `probed_at IS NULL` in the database, so it survives a crash. Each try is counted there
before the file is opened. Thus a file that kills the server is not read forever.
"""

import asyncio
import logging
import time

from gallery.database.engine import Database
from gallery.domain.leases import Leased
from gallery.domain.library.reading import is_given_up, parts, unreadable
from gallery.domain.sync import folder_moves, reconcile
from gallery.domain.sync.library import Library
from gallery.domain.sync.root_status import RootStatus
from gallery.errors import Unavailable
from gallery.events import Bus
from gallery.indexing.background_job import BackgroundJob
from gallery.indexing.reading import FileReader, Unopened
from gallery.media.worker import Workers
from gallery.media.worker_process import WorkerFailed
from gallery.model import Probed
from gallery.store.sync import unread
from gallery.store.sync.unread import Unread
from gallery.values.ids import ItemId
from gallery.values.times import Millis

logger = logging.getLogger(__name__)

STILL_SECONDS = 2.0
"""How long a file must be unchanged before it is read."""
BATCH = 64
"""Files that are read together."""
MAX_SECONDS = 5.0
"""How long a worker may read one file while other files wait."""
MAX_SECONDS_ALONE = 20.0
"""How long a worker may read a file that is tried again, after all others."""


class MetadataJob(BackgroundJob):
    """Read the files of a library in worker processes, a batch at a time."""

    phase = "reading"
    lease = "read"

    def __init__(
        self,
        db: Database,
        library: Library,
        workers: Workers,
        bus: Bus,
        *,
        still_seconds: float = STILL_SECONDS,
        batch: int = BATCH,
        max_seconds: float = MAX_SECONDS,
        max_seconds_alone: float = MAX_SECONDS_ALONE,
    ) -> None:
        super().__init__(db, library, bus)
        self._reader = FileReader(workers)
        self._still_seconds = still_seconds
        self._batch = batch
        self._max_seconds = max_seconds
        self._max_seconds_alone = max_seconds_alone

    def first_pause(self) -> float:
        return self._still_seconds

    async def count(self, status: RootStatus) -> int:
        return await self._db.read(unread.count, status.id)

    async def work(self, db: Leased, status: RootStatus) -> int:
        """Read the files that are ready, then those that were tried before, one by one."""
        done, last = 0, ItemId(0)
        while True:
            batch = preferred = await self._preferred(status)
            if not batch:
                still_since = self._still_since()
                batch = await self._db.read(unread.ready, status.id, still_since, last, self._batch)
                if not batch:
                    break
                last = batch[-1].id
            done += await self._read(db, status, batch, done, self._max_seconds)
            for item in preferred:
                status.unrendered.add(item.id)
        again = await self._db.read(unread.tried, status.id, self._still_since(), self._batch)
        for item in again:
            done += await self._read(db, status, [item], done, self._max_seconds_alone)
        return done

    def _still_since(self) -> Millis:
        # File times come from this clock. The clock of the database may differ from it.
        return Millis(time.time_ns() // 1_000_000 - int(self._still_seconds * 1_000))

    async def _preferred(self, status: RootStatus) -> list[Unread]:
        """Return the files that clients look at. Those that changed just now stay in the queue."""
        wanted = status.unread.take(self._batch)
        if not wanted:
            return []
        ready, later = await self._db.read(unread.among, wanted, self._still_since())
        status.unread.add_last(later)
        return ready

    async def _read(
        self, db: Leased, status: RootStatus, batch: list[Unread], done: int, seconds: float
    ) -> int:
        """Read a batch and store the metadata. Return how many files are done."""
        status.advance(self.phase, done, done + await self.count(status))
        read = [(item, unreadable(item)) for item in batch if is_given_up(item)]
        batch = [item for item in batch if not is_given_up(item)]
        read += await self._try(db, status, batch, seconds) if batch else []
        for part in parts(read):
            learned = await db.write(
                reconcile.store_metadata, status.id, part, self._library.transient
            )
            self._library.departures.note(learned.departures)
        if self._library.departures:
            await db.write(folder_moves.follow, self._library.departures)
        return len(read)

    async def _try(
        self, db: Leased, status: RootStatus, batch: list[Unread], seconds: float
    ) -> list[tuple[Unread, Probed]]:
        """Return the metadata of the files that could be read. A failure stays counted as a try."""
        ids = [item.id for item in batch]
        await db.write(unread.begin, ids)
        try:
            found = await self._reader.read(status.root, batch, seconds)
        except (Unavailable, asyncio.CancelledError):
            await db.write(unread.withdraw, ids)
            raise
        for item, result in zip(batch, found, strict=True):
            if isinstance(result, WorkerFailed):
                logger.warning("%s cannot be read: %s", item.path, result)
        unopened = {
            id_: why for id_, why in zip(ids, found, strict=True) if isinstance(why, Unopened)
        }
        if unopened:
            await db.write(unread.withdraw, unopened)
        forbidden = [id_ for id_, why in unopened.items() if why is Unopened.FORBIDDEN]
        if forbidden:
            await db.write(reconcile.forbid, status.id, forbidden)
        return [
            (item, result)
            for item, result in zip(batch, found, strict=True)
            if isinstance(result, Probed)
        ]
