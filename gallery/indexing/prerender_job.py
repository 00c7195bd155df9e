"""Makes thumbnails before anybody asks: of what people look at first, then of the newest.

While files are being listed or read, only of what people look at.

The queue is the database's `drawn_at IS NULL`, so it survives a crash by itself.
"""

import asyncio
from collections.abc import Sequence

from gallery.database.engine import Database
from gallery.domain.leases import Leased
from gallery.domain.pictures.thumbnails import Thumbnails
from gallery.domain.sync import reconcile
from gallery.domain.sync.library import Library
from gallery.domain.sync.root_status import RootStatus
from gallery.events import Bus
from gallery.indexing.background_job import BackgroundJob
from gallery.store.pictures import thumbnails
from gallery.store.pictures.thumbnails import RenderedItem, Source
from gallery.values.ids import ItemId

BATCH = 32
PAUSE = 2.0
"""Seconds until it is looked again whether everything has been read."""
_NEWEST = (1 << 62, ItemId(1 << 62))


class PrerenderJob(BackgroundJob):
    """Draws the items of a library with so many `hands`, a batch at a time."""

    phase = "drawing"
    lease = "draw"

    def __init__(
        self, db: Database, library: Library, pictures: Thumbnails, bus: Bus, concurrency: int
    ) -> None:
        super().__init__(db, library, bus)
        self._pictures = pictures
        self._places = asyncio.Semaphore(concurrency)

    def first_pause(self) -> float:
        return PAUSE

    async def count(self, status: RootStatus) -> int:
        return await self._db.read(thumbnails.count_waiting, status.id)

    async def run(self) -> None:
        """Work until cancelled, once the used room was counted, or could not be."""
        await self._pictures.survey()
        await super().run()

    async def work(self, db: Leased, status: RootStatus) -> int:
        """Draws what waits, once it is known how much room there is."""
        await self._pictures.survey()
        done, before = 0, _NEWEST
        while True:
            batch = await self._preferred(status)
            if not batch:
                if status.is_catching_up:
                    return done
                batch = await self._db.read(thumbnails.waiting, status.id, before, BATCH)
                if not batch:
                    return done
                before = batch[-1].taken_local, batch[-1].id
            status.advance(self.phase, done, done + await self.count(status))
            drawn = await self._draw(batch)
            if drawn:
                await db.write(reconcile.store_thumbnails, status.id, drawn)
            done += len(drawn)

    async def _preferred(self, status: RootStatus) -> list[Source]:
        """What people look at, in their order."""
        wanted = status.unrendered.take(BATCH)
        found = await self._db.read(thumbnails.waiting_among, wanted) if wanted else []
        return sorted(found, key=lambda source: wanted.index(source.id))

    async def _draw(self, batch: Sequence[Source]) -> list[RenderedItem]:
        """What came of those that could be drawn, or never can be."""

        async def one(source: Source) -> RenderedItem | None:
            async with self._places:
                return await self._pictures.ahead(source)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(source)) for source in batch]
        return [drawn for task in tasks if (drawn := task.result())]
