"""Reads what the index has listed: each file once, when it has been still for two seconds.

The queue is the database's `probed_at IS NULL`, so it survives a crash by itself.
"""

import asyncio
import logging
import time

from gallery.database.engine import Database
from gallery.disk.roots import Root
from gallery.domain import reconcile
from gallery.domain.leases import Leased, LeaseLost, leased
from gallery.domain.library import Library
from gallery.errors import Unavailable
from gallery.events import Bus, Event, ItemsChanged
from gallery.media import worker
from gallery.media.probe import probe
from gallery.media_types import type_of
from gallery.model import Probed, Progress
from gallery.store import items

logger = logging.getLogger(__name__)

STILL_SECONDS = 2.0
BATCH = 64
SECONDS_A_FILE = 10.0


class Queue:
    """Reads the files of `library` in child processes, a batch at a time."""

    def __init__(self, db: Database, library: Library, bus: Bus) -> None:
        self._db = db
        self._library = library
        self._bus = bus
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Reads for ever, and sleeps while nothing waits."""
        forget = self._bus.listen(self._hear)
        try:
            while True:
                self._news.clear()
                waiting = [await self._attend(*root) for root in self._library.roots.items()]
                try:
                    async with asyncio.timeout(STILL_SECONDS if any(waiting) else None):
                        await self._news.wait()
                except TimeoutError:
                    continue  # what was not still may be by now
        finally:
            forget()

    def _hear(self, event: Event) -> None:
        if isinstance(event, ItemsChanged):
            self._news.set()

    async def _attend(self, root_id: int, root: Root) -> int:
        try:
            return await self._read_root(root_id, root)
        except (LeaseLost, Unavailable) as error:
            logger.warning("%s", error)
            return 1  # something may wait: look again

    async def _read_root(self, root_id: int, root: Root) -> int:
        """Reads what is ready, unless another server does; how many files are not."""
        if not await self._db.read(items.count_unprobed, root_id):
            return 0
        async with leased(self._db, f"read {root_id}", self._library.holder) as db:
            if db is None:
                return await self._db.read(items.count_unprobed, root_id)
            return await self._read_all(db, root_id, root)

    async def _read_all(self, db: Leased, root_id: int, root: Root) -> int:
        done = 0
        while root_id not in self._library.offline:
            still_since = time.time_ns() // 1000 - int(STILL_SECONDS * 1_000_000)
            batch = await self._db.read(items.unprobed, root_id, still_since, BATCH)
            waiting = await self._db.read(items.count_unprobed, root_id)
            self._show(root_id, done, waiting if batch else 0)
            if not batch:
                return waiting
            probed = await self._read(root, batch)
            await db.write(reconcile.learn, root_id, list(zip(batch, probed, strict=True)))
            done += len(batch)
        self._show(root_id, done, 0)
        return 0

    def _show(self, root_id: int, done: int, waiting: int) -> None:
        """A scan's own progress goes before ours."""
        now = self._library.progress.get(root_id)
        if now and now.phase == "scanning":
            return
        if waiting:
            self._library.progress[root_id] = Progress("reading", done, done + waiting)
        else:
            self._library.progress.pop(root_id, None)

    async def _read(self, root: Root, batch: list[items.Unprobed]) -> list[Probed]:
        paths = [item.path for item in batch]
        try:
            return await worker.run(SECONDS_A_FILE * 2, read_files, root, paths)
        except worker.WorkerFailed as failure:
            if len(batch) == 1:
                logger.warning("%s cannot be read: %s", paths[0], failure)
                return [Probed(problem="takes too much memory or time to read")]
            # One of them is to blame: read each by itself.
            return [probed for item in batch for probed in await self._read(root, [item])]


def read_files(root: Root, paths: list[str]) -> list[Probed]:
    """Runs in a child process: what each of the files says of itself."""
    return [_read_file(root, path) for path in paths]


def _read_file(root: Root, path: str) -> Probed:
    type_ = type_of(path)
    assert type_ is not None
    try:
        with root.open_file(path) as file:
            return probe(file, type_)
    except OSError as error:
        return Probed(problem=error.strerror or "cannot be opened")
    except MemoryError:
        return Probed(problem="takes too much memory or time to read")
