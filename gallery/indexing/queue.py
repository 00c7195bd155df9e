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
LONGEST_PAUSE = 60.0
"""Seconds between two tries, when nothing that waits can be read."""
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
        """Reads for ever, and sleeps while nothing waits.

        What cannot be read now (a root is offline, a file may not be opened, the database is away)
        is tried again, ever less often as long as nothing comes of it.
        """
        forget = self._bus.listen(self._hear)
        pause = STILL_SECONDS
        try:
            while True:
                self._news.clear()
                passes = [await self._attend(*root) for root in self._library.roots.items()]
                is_fruitful = any(read for read, _waiting in passes)
                pause = STILL_SECONDS if is_fruitful else min(pause * 2, LONGEST_PAUSE)
                something_waits = any(waiting for _read, waiting in passes)
                try:
                    async with asyncio.timeout(pause if something_waits else None):
                        await self._news.wait()
                    pause = STILL_SECONDS
                except TimeoutError:
                    continue
        finally:
            forget()

    def _hear(self, event: Event) -> None:
        if isinstance(event, ItemsChanged):
            self._news.set()

    async def _attend(self, root_id: int, root: Root) -> tuple[int, int]:
        """How many files of the root were read, and how many still wait."""
        try:
            waiting = await self._db.read(items.count_unprobed, root_id)
            if not waiting or root_id in self._library.offline:
                return 0, waiting
            async with leased(self._db, f"read {root_id}", self._library.holder) as db:
                read = await self._read_all(db, root_id, root) if db else 0
            return read, await self._db.read(items.count_unprobed, root_id)
        except (LeaseLost, Unavailable) as error:
            logger.warning("reading the files of root %r stops for now: %s", root.name, error)
        except Exception:
            logger.exception("reading the files of root %r failed", root.name)
        finally:
            self._show(root_id, 0, 0)
        return 0, 1

    async def _read_all(self, db: Leased, root_id: int, root: Root) -> int:
        """Reads what is ready, each file once; how many could be read."""
        done, last = 0, 0
        while True:
            still_since = time.time_ns() // 1000 - int(STILL_SECONDS * 1_000_000)
            batch = await self._db.read(items.unprobed, root_id, still_since, last, BATCH)
            if not batch:
                return done
            last = batch[-1].id
            self._show(root_id, done, await self._db.read(items.count_unprobed, root_id))
            probed = await self._read(root, batch)
            read = [(item, found) for item, found in zip(batch, probed, strict=True) if found]
            if read:
                await db.write(reconcile.learn, root_id, read)
            done += len(read)

    def _show(self, root_id: int, done: int, waiting: int) -> None:
        """A scan's own progress goes before ours."""
        now = self._library.progress.get(root_id)
        if now and now.phase == "scanning":
            return
        if waiting:
            self._library.progress[root_id] = Progress("reading", done, done + waiting)
        else:
            self._library.progress.pop(root_id, None)

    async def _read(self, root: Root, batch: list[items.Unprobed]) -> list[Probed | None]:
        paths = [item.path for item in batch]
        try:
            return await worker.run(SECONDS_A_FILE * 2, read_files, root, paths)
        except worker.WorkerFailed as failure:
            if len(batch) == 1:
                logger.warning("%s cannot be read: %s", paths[0], failure)
                return [Probed(problem="takes too much memory or time to read")]
            # One of them is to blame: read each by itself.
            return [probed for item in batch for probed in await self._read(root, [item])]


def read_files(root: Root, paths: list[str]) -> list[Probed | None]:
    """Runs in a child process: what each of the files says of itself, None if it does not open."""
    return [_read_file(root, path) for path in paths]


def _read_file(root: Root, path: str) -> Probed | None:
    type_ = type_of(path)
    assert type_ is not None
    try:
        with root.open_file(path) as file:
            return probe(file, type_)
    except OSError:
        return None
    except MemoryError:
        return Probed(problem="takes too much memory or time to read")
