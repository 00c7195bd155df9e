"""Work on items that waits in the database until it is done, whatever happens meanwhile."""

import asyncio
import logging
from abc import ABC, abstractmethod

from gallery.database.engine import Database
from gallery.domain.leases import Leased, LeaseLost, leased
from gallery.domain.sync.library import Library
from gallery.domain.sync.root_status import RootStatus
from gallery.errors import Unavailable
from gallery.events import Bus, Event, ItemsChanged
from gallery.model import Phase

logger = logging.getLogger(__name__)

MAX_PAUSE = 60.0
"""Seconds between two tries, when nothing that waits can be done."""


class BackgroundJob(ABC):
    """Attends one root after another, each of them one server at a time.

    What cannot be done now (a root is offline, a file may not be opened, the database is away) is
    tried again, ever less often as long as nothing comes of it.
    """

    phase: Phase
    lease: str

    def __init__(self, db: Database, library: Library, bus: Bus) -> None:
        self._db = db
        self._library = library
        self._bus = bus
        self._news = asyncio.Event()

    @abstractmethod
    def first_pause(self) -> float:
        """Seconds until what is new can be done."""

    @abstractmethod
    async def count(self, status: RootStatus) -> int:
        """How many items of a root wait."""

    @abstractmethod
    async def work(self, db: Leased, status: RootStatus) -> int:
        """Does what can be done in a root, each item once; how many that were."""

    async def run(self) -> None:
        """Works for ever, and sleeps while nothing waits."""
        forget = self._bus.listen(self._hear)
        pause = 0.0
        try:
            while True:
                self._news.clear()
                passes = [await self._attend(status) for status in self._library.roots.values()]
                is_fruitful = not pause or any(done for done, _waiting in passes)
                pause = self.first_pause() if is_fruitful else min(pause * 2, MAX_PAUSE)
                something_waits = any(waiting for _done, waiting in passes)
                try:
                    async with asyncio.timeout(pause if something_waits else None):
                        await self._news.wait()
                    pause = 0.0
                except TimeoutError:
                    continue
        finally:
            forget()

    def _hear(self, event: Event) -> None:
        if isinstance(event, ItemsChanged):
            self._news.set()

    async def _attend(self, status: RootStatus) -> tuple[int, int]:
        """How many items of the root were done, and how many still wait."""
        try:
            waiting = await self.count(status)
            if not waiting or status.is_offline:
                return 0, waiting
            async with leased(self._db, f"{self.lease} {status.id}", self._library.holder) as db:
                done = await self.work(db, status) if db else 0
            return done, await self.count(status)
        except (LeaseLost, Unavailable) as error:
            logger.warning(
                "%s the files of root %r stops for now: %s", self.phase, status.root.name, error
            )
        except Exception:
            logger.exception("%s the files of root %r failed", self.phase, status.root.name)
        finally:
            status.end(self.phase)
        return 0, 1
