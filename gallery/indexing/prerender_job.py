"""The background job that renders thumbnails ahead of requests.

It renders the items that clients look at first, and then the newest ones. While files are being
listed or read, it renders only the former. The queue is `drawn_at IS NULL` in the database, so it
survives a crash.
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
"""Items that are rendered between two writes."""
PAUSE = 2.0
"""Seconds until the job checks again whether all files were read."""
_NEWEST = (1 << 62, ItemId(1 << 62))


class PrerenderJob(BackgroundJob):
    """Render the items of a library, at most `concurrency` at a time."""

    phase = "drawing"
    lease = "draw"

    def __init__(
        self,
        db: Database,
        library: Library,
        pictures: Thumbnails,
        bus: Bus,
        *,
        concurrency: int,
        pause: float = PAUSE,
    ) -> None:
        super().__init__(db, library, bus)
        self._pictures = pictures
        self._pause = pause
        self._places = asyncio.Semaphore(concurrency)

    def first_pause(self) -> float:
        return self._pause

    async def count(self, status: RootStatus) -> int:
        return await self._db.read(thumbnails.count_waiting, status.id)

    async def run(self) -> None:
        """Work until cancelled, after the size of the cache was measured or the attempt failed."""
        await self._pictures.survey()
        await super().run()

    async def work(self, db: Leased, status: RootStatus) -> int:
        """Render the waiting items, after the size of the cache was measured."""
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
            rendered = await self._render(batch)
            if rendered:
                await db.write(reconcile.store_thumbnails, status.id, rendered)
            done += len(rendered)

    async def _preferred(self, status: RootStatus) -> list[Source]:
        """Return the waiting items that clients look at, the latest look first."""
        wanted = status.unrendered.take(BATCH)
        found = await self._db.read(thumbnails.waiting_among, wanted) if wanted else []
        return sorted(found, key=lambda source: wanted.index(source.id))

    async def _render(self, batch: Sequence[Source]) -> list[RenderedItem]:
        """Return the results of those items that were rendered or never can be."""

        async def one(source: Source) -> RenderedItem | None:
            async with self._places:
                return await self._pictures.ahead(source)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(source)) for source in batch]
        return [rendered for task in tasks if (rendered := task.result())]
