"""Makes thumbnails before anybody asks: of what people look at first, then of the newest.

While files are being listed or read, only of what people look at.

The queue is the database's `drawn_at IS NULL`, so it survives a crash by itself.
"""

import asyncio
import logging
from collections.abc import Sequence

from gallery.database.engine import Database
from gallery.domain import reconcile
from gallery.domain.leases import Leased, LeaseLost, leased
from gallery.domain.library import Library, Served
from gallery.domain.thumbnails import Thumbnails
from gallery.errors import Unavailable
from gallery.events import Bus, Event, ItemsChanged
from gallery.store import thumbnails
from gallery.store.thumbnails import DrawnItem, Source

logger = logging.getLogger(__name__)

BATCH = 32
SHORTEST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""Seconds between two tries, when nothing that waits can be drawn."""
_NEWEST = (1 << 62, 1 << 62)


class Ahead:
    """Draws the items of `library` with so many `hands`, a batch at a time."""

    def __init__(
        self, db: Database, library: Library, pictures: Thumbnails, bus: Bus, hands: int
    ) -> None:
        self._db = db
        self._library = library
        self._pictures = pictures
        self._bus = bus
        self._hands = asyncio.Semaphore(hands)
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Draws for ever, and sleeps while nothing waits."""
        forget = self._bus.listen(self._hear)
        pause = SHORTEST_PAUSE
        try:
            await self._pictures.survey()
            while True:
                self._news.clear()
                passes = [await self._attend(served) for served in self._library.roots.values()]
                roots = self._library.roots.values()
                is_fruitful = any(drawn for drawn, _waiting in passes) or any(
                    served.is_catching_up for served in roots
                )
                pause = SHORTEST_PAUSE if is_fruitful else min(pause * 2, LONGEST_PAUSE)
                something_waits = any(waiting for _drawn, waiting in passes)
                try:
                    async with asyncio.timeout(pause if something_waits else None):
                        await self._news.wait()
                except TimeoutError:
                    continue
        finally:
            forget()

    def _hear(self, event: Event) -> None:
        if isinstance(event, ItemsChanged):
            self._news.set()

    async def _attend(self, served: Served) -> tuple[int, int]:
        """How many files of the root were drawn, and how many still wait."""
        try:
            waiting = await self._db.read(thumbnails.count_waiting, served.id)
            if not waiting or served.is_offline:
                return 0, waiting
            async with leased(self._db, f"draw {served.id}", self._library.holder) as db:
                drawn = await self._draw_all(db, served) if db else 0
            return drawn, await self._db.read(thumbnails.count_waiting, served.id)
        except (LeaseLost, Unavailable) as error:
            logger.warning(
                "drawing the files of root %r stops for now: %s", served.root.name, error
            )
        except Exception:
            logger.exception("drawing the files of root %r failed", served.root.name)
        finally:
            served.end("drawing")
        return 0, 1

    async def _draw_all(self, db: Leased, served: Served) -> int:
        """Draws what waits, each file once; how many could be."""
        done, before = 0, _NEWEST
        while True:
            batch = await self._preferred(served)
            if not batch:
                if served.is_catching_up:
                    return done
                batch = await self._db.read(thumbnails.waiting, served.id, before, BATCH)
                if not batch:
                    return done
                before = batch[-1].taken_local, batch[-1].id
            waiting = await self._db.read(thumbnails.count_waiting, served.id)
            served.advance("drawing", done, done + waiting)
            drawn = await self._draw(batch)
            if drawn:
                await db.write(reconcile.show, served.id, drawn)
            done += len(drawn)

    async def _preferred(self, served: Served) -> list[Source]:
        """What people look at, in their order."""
        wanted = served.undrawn.take(BATCH)
        found = await self._db.read(thumbnails.waiting_among, wanted) if wanted else []
        return sorted(found, key=lambda source: wanted.index(source.id))

    async def _draw(self, batch: Sequence[Source]) -> list[DrawnItem]:
        """What came of those that could be drawn, or never can be."""

        async def one(source: Source) -> DrawnItem | None:
            async with self._hands:
                return await self._pictures.ahead(source)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(source)) for source in batch]
        return [drawn for task in tasks if (drawn := task.result())]
