"""Reads what the index has listed: each file once, when it has been still for two seconds.

The queue is the database's `probed_at IS NULL`, so it survives a crash by itself. A try is counted
there before a file is opened: what kills the server is not read for ever.
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
BATCH = 64
MAX_SECONDS = 5.0
"""How long reading one file may take while others wait behind it."""
MAX_SECONDS_ALONE = 20.0
"""How long it may take when it is tried again, after all others."""


class MetadataJob(BackgroundJob):
    """Reads the files of a library in worker processes, a batch at a time."""

    phase = "reading"
    lease = "read"

    def __init__(self, db: Database, library: Library, workers: Workers, bus: Bus) -> None:
        super().__init__(db, library, bus)
        self._reader = FileReader(workers)

    def first_pause(self) -> float:
        return STILL_SECONDS

    async def count(self, status: RootStatus) -> int:
        return await self._db.read(unread.count, status.id)

    async def work(self, db: Leased, status: RootStatus) -> int:
        """Read what is ready; then, one by one, what was tried before."""
        done, last = 0, ItemId(0)
        while True:
            batch = preferred = await self._preferred(status)
            if not batch:
                still_since = self._still_since()
                batch = await self._db.read(unread.ready, status.id, still_since, last, BATCH)
                if not batch:
                    break
                last = batch[-1].id
            done += await self._read(db, status, batch, done, MAX_SECONDS)
            for item in preferred:
                status.unrendered.add(item.id)
        again = await self._db.read(unread.tried, status.id, self._still_since(), BATCH)
        for item in again:
            done += await self._read(db, status, [item], done, MAX_SECONDS_ALONE)
        return done

    def _still_since(self) -> Millis:
        # By the clock that disks write by: that of the database may have been told another time.
        return Millis(time.time_ns() // 1_000_000 - int(STILL_SECONDS * 1_000))

    async def _preferred(self, status: RootStatus) -> list[Unread]:
        """Return what people look at; what is not still yet comes later."""
        wanted = status.unread.take(BATCH)
        if not wanted:
            return []
        ready, later = await self._db.read(unread.among, wanted, self._still_since())
        status.unread.add_last(later)
        return ready

    async def _read(
        self, db: Leased, status: RootStatus, batch: list[Unread], done: int, seconds: float
    ) -> int:
        """Read a batch and keep what the files say. Return how many of them are done with."""
        status.advance(self.phase, done, done + await self.count(status))
        read = [(item, unreadable(item)) for item in batch if is_given_up(item)]
        batch = [item for item in batch if not is_given_up(item)]
        read += await self._tried(db, status, batch, seconds) if batch else []
        for part in parts(read):
            learned = await db.write(
                reconcile.store_metadata, status.id, part, self._library.transient
            )
            self._library.departures.note(learned.departures)
        if self._library.departures:
            await db.write(folder_moves.follow, self._library.departures)
        return len(read)

    async def _tried(
        self, db: Leased, status: RootStatus, batch: list[Unread], seconds: float
    ) -> list[tuple[Unread, Probed]]:
        """Return what the files say that could be read. What failed stays counted as tried."""
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
