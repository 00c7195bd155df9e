"""Background work on items. The database holds the queue, so a crash loses nothing."""

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
"""Seconds between two tries if none of the waiting work can be done."""


class BackgroundJob(ABC):
    """A job that works on one root after another, one server at a time on each root.

    Work that cannot be done now (a root is offline, a file cannot be opened, the database is
    unavailable) is tried again. The pause doubles while no try succeeds.
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
        """Return the seconds until new work can be done."""

    @abstractmethod
    async def count(self, status: RootStatus) -> int:
        """Return how many items of a root are waiting."""

    @abstractmethod
    async def work(self, db: Leased, status: RootStatus) -> int:
        """Work on the items of a root, on each at most once. Return how many are done."""

    async def run(self) -> None:
        """Work until cancelled. Sleep while nothing is waiting."""
        forget = self._bus.listen(self._receive)
        pause = 0.0
        try:
            while True:
                self._news.clear()
                rounds = [await self._work_on(status) for status in self._library.roots.values()]
                is_fruitful = not pause or any(done for done, _waiting in rounds)
                pause = self.first_pause() if is_fruitful else min(pause * 2, MAX_PAUSE)
                something_waits = any(waiting for _done, waiting in rounds)
                try:
                    async with asyncio.timeout(pause if something_waits else None):
                        await self._news.wait()
                    pause = 0.0
                except TimeoutError:
                    continue
        finally:
            forget()

    def _receive(self, event: Event) -> None:
        if isinstance(event, ItemsChanged):
            self._news.set()

    async def _work_on(self, status: RootStatus) -> tuple[int, int]:
        """Work on a root. Return how many of its items are done, and how many still wait."""
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
